"""The tasks of the main server."""

from .servers import server_tasks

ns = server_tasks("ubuntu")
