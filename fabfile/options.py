"""The options: each is declared here once, and ``@command`` makes of it what Invoke reads.

A new option is a declaration here, its name in the ``@command`` of a task, and a parameter there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from inspect import Parameter
from keyword import iskeyword
from typing import Any, ClassVar

from .model.typed import percent, seconds

REQUIRED = Parameter.empty
"""The default of an option that must be given; its value may stand without its name."""


# One dataclass, not one for each kind: each takes a millisecond of every list and every Tab.
@dataclass(frozen=True)
class Option:
    """What stands on the command line, and what the body of a task gets for it."""

    name: str
    help: str
    default: Any = None
    """None: that of its kind."""

    unset: ClassVar[Any] = ""
    """The default of its kind. Invoke gives every value the type of the default, but for None."""

    @property
    def keyword(self) -> str:
        """Its name in Python: ``dry_run``; with ``_`` behind it where Python has the word."""
        name = self.name.replace("-", "_")
        return f"{name}_" if iskeyword(name) else name

    @property
    def parameter(self) -> Parameter:
        """What Invoke reads of it."""
        default = self.unset if self.default is None else self.default
        return Parameter(self.keyword, Parameter.KEYWORD_ONLY, default=default)

    def with_default(self, default: Any) -> Option:
        """The same option in a task that has another default."""
        return replace(self, default=default)

    def value(self, given: Any) -> Any:
        """What the body gets; exit code 2 for text that has no such meaning."""
        return given


class Flag(Option):
    """Given or not: a bool."""

    unset = False


class Text(Option):
    """Any text; not given: empty, unless it has another default."""


class Texts(Option):
    """Text that may be given again: a tuple in that order."""

    unset = None

    def value(self, given: Sequence[str]) -> tuple[str, ...]:
        """As use cases take it; Invoke makes a list."""
        return tuple(given)


class Number(Option):
    """A whole number; not given: 0, unless it has another default. Invoke refuses what is none."""

    unset = 0


class Duration(Option):
    """A time such as 90s, 10m or 1h; not given: 0."""

    def value(self, given: str) -> int:
        """Seconds; exit code 2 for text that is no duration."""
        return seconds(f"--{self.name}", given)


class Share(Option):
    """A part of the clients such as 10%; not given: 0."""

    def value(self, given: str) -> int:
        """Of 100; exit code 2 for text that is no share."""
        return percent(f"--{self.name}", given)


REF = Text("ref", "commit, branch or tag at the repository (default: the branch in hosts.ini)")
YES = Flag("yes", "do not ask before the first change (never asked off a terminal)")
JSON = Flag(
    "json", "print one JSON object on standard output (docs/json.md); steps go to standard error"
)
WAIVE = Texts(
    "waive", "name of a gate that may be red, such as link or outside:site; may be given again"
)
RESTART_DATA = Flag("restart-data", "allow what would recreate or restart PostgreSQL or Redis")
DRY_RUN = Flag(
    "dry-run", "show the plan and every command that would change the server; change nothing"
)
ONLY = Texts("only", "deploy this service only; may be given again")
REBUILD = Flag("rebuild", "build again what is there already, on freshly pulled bases")
ALLOW_DESTRUCTIVE = Flag(
    "allow-destructive", "allow migrations that lose data or break code which still runs"
)
MIGRATIONS = Text(
    "migrations", "when the older image does not know the schema: down (take it down), or keep"
)
REMOVE_ORPHANS = Flag(
    "remove-orphans", "remove containers of this project that are no longer in its stack"
)
TO = Text("to", "id of a release or (the start of) a commit (default: the release before this one)")
SHOW = Text("show", "the whole record of one release: last, or the start of its id or commit")
TAIL = Number("tail", "lines of each log (default: 100)", 100)
FOLLOW = Flag("follow", "go on showing new lines until Ctrl-C")
SERVICE = Text("service", "a service of the stack (default: all; volume.restore: required)")
CERTIFICATE = Text("certificate", "file with the certificate and the chain below it, PEM", REQUIRED)
KEY = Text("key", "file with its private key, PEM, without a passphrase", REQUIRED)
SERVER = Text(
    "server", "name in hosts.ini (default: the only one that can be meant; ssl.renew: all)"
)
FORCE = Flag("force", "renew also what is not due yet")
NUMBER = Number("number", "how many releases (default: 10)", 10)
ON = Text(
    "on", "server (default: db: the first whose stack has a database; cron, volume.backup: all)"
)
MAILTO = Text(
    "mailto", "who gets the output of a job that failed (default: as before, else cron's own)"
)
QUIET = Flag("quiet", "show nothing when all is well")
INTO = Text("into", "name of a new database to restore into, beside the live one")
DROP_OLD = Flag("drop-old", "remove the databases that earlier restores kept, and nothing else")
TO_TIME = Text(
    "to-time", "bring the database back as it was at this instant (ISO 8601, UTC by default)"
)
WAIT = Duration(
    "wait", "how long to wait for others who hold the server, such as 90s, 10m or 1h (default: 0)"
)
CANARY = Share("canary", "share of the clients that the new replicas get first, such as 10%")
FOR = Duration("for", "how long a canary takes, such as 90s, 10m or 1h (default: 5m)")
KEEP_OLD = Duration(
    "keep-old", "how long the former replicas run on after the proof, for a rollback by one load"
)
WHY = Text("why", "what everybody is told who wants to change the frozen server")
FROM = Text(
    "from",
    "name of a backup, latest (the newest verified one), newest, or s3://BUCKET/.../NAME"
    " (default: newest; db.restore: latest)",
)
IDENTITY = Text(
    "identity", "file with the private key of age that opens an encrypted off-site copy"
)

PATH = Text("path", "folder in the git repository of the project", ".")
COMPOSE = Text("compose", "its compose file (default: the one that docker compose looks for)")

ALLOWED = (RESTART_DATA, ALLOW_DESTRUCTIVE, REMOVE_ORPHANS)
"""The part of a :class:`~fabfile.model.deploy.plan.Wish` that means the same on every server."""
WISH = (ONLY, REBUILD, *ALLOWED)
"""What the Wish of one server is made of; the names are those of its fields."""
