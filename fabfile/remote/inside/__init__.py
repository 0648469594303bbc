"""A command in a container, tied to the operator's own terminal or pipes."""
