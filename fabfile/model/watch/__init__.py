"""Looking at servers: what is right and wrong there, and what the lines of logs say."""
