"""Use cases of a kind: how a server is reached, and what stands in its ``.env``."""
