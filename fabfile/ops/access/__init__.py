"""Making a host a server that can be deployed to."""
