"""The tasks of the resolver's server."""

from .servers import server_tasks

ns = server_tasks("montreal")
