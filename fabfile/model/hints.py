"""``x-deploy``: what a compose file says of a service and compose has no word for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .probe import Probe


@dataclass(frozen=True)
class Gate:
    """A probe through the proxy, asked on the server and from outside.

    ``{address}`` in ``url`` stands for the server's address.
    """

    name: str
    url: str
    probe: Probe


@dataclass(frozen=True)
class Migration:
    """Commands, run in a one-off container of the new image, that move the database's schema.

    The first word of the last line that ``current`` and ``target`` print is the revision: the one
    that the database has (none: an empty database), and the one that the image wants. The others
    may be missing (empty); all but ``run``, ``current`` and ``down`` need no database.
    """

    run: tuple[str, ...]
    current: tuple[str, ...]
    target: tuple[str, ...]
    known: tuple[str, ...] = ()
    """Prints every revision that the image knows, the first word of a line each."""
    sql: tuple[str, ...] = ()
    """Prints what moves the schema up from ``{from}`` to ``{to}``, as SQL."""
    down: tuple[str, ...] = ()
    """Moves the schema down to ``{to}``."""
    down_sql: tuple[str, ...] = ()
    """Prints what moves it down from ``{from}`` to ``{to}``, as SQL; fails where nothing can."""


@dataclass(frozen=True)
class Archive:
    """Where the write-ahead log of a database goes: a service of its stack, and a folder in it."""

    service: str
    folder: str


@dataclass(frozen=True)
class Database:
    """PostgreSQL: the keys of the service's environment that hold its user and database.

    ``revision`` is a query for the revision of the schema; empty: it has none.
    """

    user: str
    name: str
    revision: str = ""
    archive: Archive | None = None
    password: str = ""
    """Key of ``.env`` that holds the user's password; empty: nobody tries it."""
    former: str = ""
    """Key of ``.env`` that holds the one before; services try it where the first is refused."""
    initial: str = ""
    """Key of ``.env`` that holds the one that the container was made with."""


@dataclass(frozen=True)
class Volume:
    """A volume that is backed up: where it is mounted, and how its files hold still meanwhile."""

    path: str
    dump: tuple[str, ...] = ()
    """Command, run in the container, that writes a tar of the files; empty: they are read twice."""
    stopped: bool = False
    """Its files are whole only while the service does not run."""


START_FIRST, STOP_FIRST = "start-first", "stop-first"


@dataclass(frozen=True)
class Update:
    """How a service is replaced, in the words of compose's ``deploy.update_config``."""

    order: str = ""
    """``start-first`` or ``stop-first``; empty: what the service allows."""
    parallelism: int = 0
    """How many new replicas start at once; 0: all."""
    monitor: int = 15
    """Seconds that the new ones are watched before the old go; one that dies ten seconds after it
    was healthy is still seen."""


@dataclass(frozen=True)
class Hints:
    """What ``x-deploy`` says of one service."""

    keep: bool = False
    """A data service: never recreated or restarted unasked."""
    proxy: bool = False
    """This service is the stack's nginx."""
    probe: Probe | None = None
    """Asked directly on the container's address."""
    port: int = 0
    path: str = "/"
    smoke: tuple[str, ...] = ()
    """Command that a new image must survive once, apart from everything."""
    migrate: Migration | None = None
    gates: tuple[Gate, ...] = ()
    link: tuple[str, ...] = ()
    """Command, run in a one-off container, that proves the call to the server in ``calls``."""
    checks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Name → command, run in the running container, that proves what no question over HTTP can."""
    login: tuple[str, ...] = ()
    """Command, run in the running container with the environment that it is to get."""
    database: Database | None = None
    hold: str = ""
    """Of the proxy: what it reads in ``hold.conf`` while it must hold callers back."""
    maintenance: str = ""
    """Of the proxy: what it does in maintenance with those who are not let in."""
    volume: Volume | None = None
    upstreams: tuple[str, ...] = ()
    """Of the proxy: the files of the repository that say where requests go."""
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Of the proxy: group → the domain names that it serves."""
    update: Update = Update()
    drain: int = 0
    """Seconds that its requests may take to end before its container is told to stop."""

    @property
    def revision(self) -> str:
        """The query for the revision of the database's schema; empty: there is none."""
        return self.database.revision if self.database else ""


def revision(output: str) -> str:
    """The revision that a migration tool printed; empty when it printed none."""
    lines = [line.split() for line in output.split("\n") if line.strip()]
    return lines[-1][0] if lines else ""


def revisions(output: str) -> list[str]:
    """The revisions that a migration tool listed, in its order."""
    return [line.split()[0] for line in output.split("\n") if line.strip()]


def between(command: Sequence[str], lower: str, upper: str) -> list[str]:
    """The words of a migration tool with the revisions that ``{from}`` and ``{to}`` stand for."""
    return [word.replace("{from}", lower).replace("{to}", upper) for word in command]
