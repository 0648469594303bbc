"""What people run in containers."""
