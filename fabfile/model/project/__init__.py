"""Another repository with a compose project: what it needs before it can be deployed."""
