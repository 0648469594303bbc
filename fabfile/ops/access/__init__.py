"""How a host becomes a server and is reached, and what stands in its ``.env``."""
