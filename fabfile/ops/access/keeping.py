"""The encrypted copy of each ``.env`` in the operator's checkout: made, brought up to date."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ...model.access.envfile import foreign_encoding
from ...model.access.keeping import shown, storable
from ...model.access.secrecy import secret_values
from ...model.errors import Trouble, refused
from ...model.inventory import Server
from ...remote.access import sops
from ...remote.look import look
from ..session import Session, side_by_side
from .inspecting import meant


@dataclass(frozen=True)
class Copy:
    """An ``.env`` as it is to stand in the checkout: encrypted, and not written yet."""

    server: Server
    file: Path
    text: str = field(repr=False)

    def write(self, session: Session) -> None:
        """Put it there; exit code 1 when that fails."""
        sops.write(self.file, self.text)
        session.console.line(self.server.name, f"{self.file} is up to date; commit it")


def copy_of(server: Server, text: str) -> Copy | None:
    """The encrypted copy of a server's ``.env``; None: hosts.ini names no folder for it.

    Exit code 2 when it cannot be made, or when a value of it could be read.
    """
    if server.secrets is None:
        return None
    file = _file(server)
    made = sops.encrypt(_project(server), file, storable(text))
    if shown(made, secret_values(text)):
        raise refused(
            f"{file} would show a secret: a rule of .sops.yaml leaves it out; nothing was changed"
        )
    return Copy(server, file, made)


def kept(server: Server) -> str:
    """The text of the copy, decrypted here; exit code 2 when it cannot be had."""
    if server.secrets is None:
        raise refused(f"{server.name}: hosts.ini has no 'secrets' for it (docs/secrets.md)")
    return sops.decrypt(_project(server), _file(server))


def save(session: Session, name: str) -> None:
    """Bring the copies of one server or of all up to date; what is so already stays untouched."""
    names = meant(session, name)
    servers = [session.inventory.server(one) for one in names]
    if lacking := [one.name for one in servers if one.secrets is None]:
        raise refused(f"{', '.join(lacking)}: hosts.ini has no 'secrets' (docs/secrets.md)")
    seen = side_by_side(lambda one: look(session.host(one)), names)
    copies = []
    for server in servers:
        facts = seen[server.name]
        if not facts.env_stat or not facts.env:
            raise refused(f"{server.name}: there is no .env that can be read")
        if encoding := foreign_encoding(facts.env):
            raise refused(f"{server.name}: its .env is {encoding}")
        if _is_kept(server, facts.env):
            session.console.line(server.name, f"{_file(server)} is up to date already")
        elif copy := copy_of(server, facts.env):
            copies.append(copy)
    for copy in copies:
        copy.write(session)


def _is_kept(server: Server, text: str) -> bool:
    """Whether the copy holds this; not where the operator has no key for it."""
    try:
        return kept(server) == storable(text)
    except Trouble:
        return False


def _file(server: Server) -> Path:
    assert server.secrets is not None
    return server.secrets / f"{server.name}.env"


def _project(server: Server) -> Path:
    return server.known_hosts.parent
