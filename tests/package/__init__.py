"""The collection as a package: its wheel, and its use from another repository."""
