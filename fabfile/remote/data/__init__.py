"""Databases, volumes and their backups, on a server and in a bucket."""
