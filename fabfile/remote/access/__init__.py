"""How a server is reached, and who reaches what on it."""
