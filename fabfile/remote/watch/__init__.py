"""Looking at servers: at a glance, at containers' logs, and by a command of one's own."""
