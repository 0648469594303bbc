"""How a command runs at the other end: its line, its input, the shell or pipe that it runs in."""
