"""Looking at servers: at a glance, at the logs of containers, and by a command of one's own."""
