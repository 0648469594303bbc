"""Certificates: issued, installed, renewed, and the trust between servers."""
