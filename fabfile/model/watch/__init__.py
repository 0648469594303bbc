"""What is right and wrong on a server, check by check."""
