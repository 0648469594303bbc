"""What belongs to whoever operates a server, and is somebody else's in a fresh clone."""

from __future__ import annotations

from ..inventory import Server

KEYS = (("host", "user", "key"), ("repository", "branch", "path"), ("domains",))
"""Of hosts.ini, a line for what belongs together."""


def to_be_set(server: Server) -> list[str]:
    """What hosts.ini says of a server and where the rest stands, to be compared with one's own."""
    said = [
        ", ".join(f"{key} = {server.settings[key]}" for key in keys if key in server.settings)
        for keys in KEYS
    ]
    domain = "DOMAIN, " if server.domains else ""
    return [
        "before that, these must be yours (docs/hosts.md):",
        *(f"[{server.name}] in hosts.ini: {line}" for line in said if line),
        f"on the server, {server.path}/.env: {domain}secrets and what else .env.example requires",
    ]
