"""The database of the fleet: on which server it runs, and how to ask it."""

from __future__ import annotations

from ...model import names
from ...model.errors import refused
from ...model.stack import Service
from ...remote.access.connect import missing_programs
from ...remote.data.postgres import Postgres
from ...remote.host import Host
from ..session import Session
from ..sight import DEPLOYED, Sight, look_at

ASIDE = "_before_"
"""Between a database's name and the time when another one took its place."""
INCOMING = "_restored_"
"""Between a database's name and the time when it is restored beside the one that is live."""
STAMP = "YYYYmmddHHMMSS"
LONGEST = names.LONGEST - max(len(ASIDE), len(INCOMING)) - len(STAMP)
"""Characters of a database's name, so that those of its restores fit as well."""


def find(session: Session, name: str = "") -> tuple[Sight, Postgres]:
    """The server whose stack has a database, and that database.

    ``name``: only this server; otherwise the first of hosts.ini. Exit code 2 when there is none, or
    when its container does not run.
    """
    names = [name] if name else [server.name for server in session.inventory.servers]
    for candidate in names:
        sight = look_at(session, candidate, DEPLOYED)
        if sight.target is None:
            why = "; ".join(sight.problems) or "no release"
            raise refused(f"{candidate}: its stack cannot be read: {why}")
        if sight.target.stack.database:
            return sight, postgres_of(sight, sight.target.stack.database)
    raise refused(
        f"{', '.join(names)}: no service has x-deploy 'database' in its compose file"
        " (docs/backup.md)"
    )


def postgres_of(sight: Sight, service: Service) -> Postgres:
    """How to ask a database; exit code 2 when its container does not run."""
    assert sight.target is not None
    container = sight.facts.container(sight.target.stack.project, service.name)
    if container is None or container.state != "running":
        state = container.state if container else "not there"
        raise refused(f"{sight.server.name}: container {service.container} is {state}")
    return from_service(service, container.image)


def from_service(service: Service, image: str) -> Postgres:
    """How to ask the database that this service is; ``image`` is the id that it runs."""
    hint = service.hints.database
    assert hint is not None
    for key in (hint.user, hint.name):
        if not service.environment.get(key):
            raise refused(f"x-deploy.{service.name}.database: its environment has no {key}")
    return Postgres(
        container=service.container,
        image=image,
        user=names.database(f"{service.name}: {hint.user}", service.environment[hint.user]),
        name=names.database(f"{service.name}: {hint.name}", service.environment[hint.name]),
        revision=hint.revision,
    )


def require_packer(host: Host) -> None:
    """Exit code 2 when the server lacks the program that packs its backups."""
    program = host.server.compression
    if missing_programs(host, (program,)):
        raise refused(
            f"{host.name}: {program} is missing on the server; install it: sudo apt-get install"
            f" {program}, or choose another compression in hosts.ini (docs/hosts.md)"
        )
