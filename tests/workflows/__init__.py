"""The workflows, and what they call."""
