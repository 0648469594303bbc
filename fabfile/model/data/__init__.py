"""Backups, their manifests and their retention, and what SQL destroys."""
