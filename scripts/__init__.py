"""What people and CI start from the shell; the Python among it is imported by ``tasks.py``."""
