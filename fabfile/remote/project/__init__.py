"""Another repository on this machine: git, compose and its files."""
