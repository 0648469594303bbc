"""What cron starts on a server, and when."""
