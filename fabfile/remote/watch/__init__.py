"""Looking at servers: at a glance, at the logs of their containers, and by a command of one's own."""
