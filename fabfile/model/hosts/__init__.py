"""`hosts.ini`: its lines, its keys and what they mean."""
