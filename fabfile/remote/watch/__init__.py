"""Looking at servers: the logs of their containers."""
