"""Looking at servers: what the lines of logs say."""
