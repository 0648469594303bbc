"""Use cases of a kind: how a server is made and reached, and what stands in its ``.env``."""
