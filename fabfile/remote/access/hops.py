"""The way to a server: to itself, or to its jump host and from there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...model.errors import REFUSED, Trouble, Unwelcome, refused
from ...model.inventory import Server


@dataclass(frozen=True)
class Hop:
    """One connection on the way to a server: to itself, or to its jump host."""

    server: Server
    host: str
    port: int
    user: str
    key: Path
    jump: bool = False
    """Whether it is the jump host."""

    @property
    def where(self) -> str:
        """As messages call it."""
        place = f"{self.host}:{self.port}" if self.port != 22 else self.host
        return f"its gateway {place}" if self.jump else place

    def unwelcome(self, message: str) -> Trouble:
        """The user is not let in; at a jump host, no other user of the server would be either."""
        return refused(message) if self.jump else Unwelcome(message, code=REFUSED)

    @property
    def known_as(self) -> str:
        """Its name in ``known_hosts``."""
        return self.host if self.port == 22 else f"[{self.host}]:{self.port}"


def hops(server: Server) -> list[Hop]:
    """The jump host, if there is one, and the server."""
    found = [Hop(server, server.host, server.port, server.user, server.key)]
    if jump := server.gateway:
        user, key = jump.user or server.user, jump.key or server.key
        found.insert(0, Hop(server, jump.host, jump.port, user, key, jump=True))
    return found
