"""What people run in containers: which one, and what of it may be told."""
