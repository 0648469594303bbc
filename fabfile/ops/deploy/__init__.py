"""Deploys, rollbacks and recoveries: decide, show, carry out, prove."""
