"""Compose, git and the proxy of a server."""
