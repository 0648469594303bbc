"""The crontab of a server."""
