"""Certificates and authorities on a server."""
