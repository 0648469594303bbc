"""Backups and restores of the database and of volumes, on the server and off it."""
