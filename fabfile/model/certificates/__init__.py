"""What certificates say, and what is wrong with one."""
