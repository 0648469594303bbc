"""Another repository with a compose project: it gets what it needs before it can be deployed."""
