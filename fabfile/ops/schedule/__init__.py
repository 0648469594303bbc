"""What cron starts on the servers, and how it ended."""
