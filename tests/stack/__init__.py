"""What must hold of the stacks, the proxies and the settings, read from their files alone."""
