"""The options: each is declared here once, and ``@command`` makes of it what Invoke reads.

A new option is a declaration here, its name in the ``@command`` of a task, and a parameter there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from keyword import iskeyword
from typing import Any, ClassVar

from invoke import Argument

from .model.typed import ago, one_of, percent, seconds, whole
from .model.watch.levels import LEVELS

REQUIRED = ...
"""The default of an option that must be given; its value may stand without its name."""


class Given(Argument):
    """An argument that ``--help`` shows as its option says."""

    spelt: str
    """``-y, --yes`` or ``--for DURATION``."""
    shows: str
    """What stands there for its value; empty: it takes none."""


# One dataclass, not one for each kind: each takes a millisecond of every list and every Tab.
@dataclass(frozen=True)
class Option:
    """What stands on the command line, and what the body of a task gets for it."""

    name: str
    help: str
    shows: str = ""
    """What stands for its value in ``--help``, such as FILE; empty: that of its kind."""
    default: Any = None
    """None: that of its kind."""
    letter: str = ""
    """Its short flag; empty: none. Invoke would give every option one."""

    unset: ClassVar[Any] = ""
    """The default of its kind."""
    kind: ClassVar[type] = str
    """How Invoke reads it: a ``bool`` takes no value, a ``list`` may be given again."""
    usual: ClassVar[str] = ""
    """What stands for a value of its kind."""

    @property
    def keyword(self) -> str:
        """Its name in Python: ``dry_run``; with ``_`` behind it where Python has the word."""
        name = self.name.replace("-", "_")
        return f"{name}_" if iskeyword(name) else name

    @property
    def argument(self) -> Given:
        """What Invoke reads of it."""
        required = self.default is REQUIRED
        default = self.unset if self.default is None else self.default
        made = Given(
            names=(self.name, *self.letter),
            kind=self.kind,
            default=None if required else default,
            help=self.help,
            positional=required,
            attr_name=self.keyword if self.keyword != self.name else None,
        )
        made.shows = self.shows or self.usual
        short = f"-{self.letter}, " if self.letter else ""
        made.spelt = f"{short}--{self.name} {made.shows}".rstrip()
        return made

    def __deepcopy__(self, _memo: object) -> Option:
        """Itself. Invoke copies all tasks with their options, for every list and every Tab."""
        return self

    def with_default(self, default: Any) -> Option:
        """The same option in a task that has another default."""
        return replace(self, default=default)

    def value(self, given: Any) -> Any:
        """What the body gets; exit code 2 for text that has no such meaning."""
        return given


class Flag(Option):
    """Given or not: a bool."""

    unset = False
    kind = bool


class Text(Option):
    """Any text; not given: empty, unless it has another default."""


class Texts(Option):
    """Text that may be given again: a tuple in that order."""

    unset: ClassVar[Any] = []
    kind = list

    def value(self, given: Sequence[str]) -> tuple[str, ...]:
        """As use cases take it; Invoke makes a list."""
        return tuple(given)


class Choice(Option):
    """One of the words that it shows, ``down|keep``; not given: empty."""

    def value(self, given: str) -> str:
        """The word; exit code 2 for another one."""
        return one_of(f"--{self.name}", given, self.shows.split("|"))


class Number(Option):
    """A whole number; not given: 0, unless it has another default."""

    unset = 0
    usual = "NUMBER"

    def value(self, given: str | int) -> int:
        """The number; exit code 2 for text that is none, or less than 0."""
        return whole(f"--{self.name}", str(given))


class Count(Option):
    """A whole number; not given: None."""

    usual = "NUMBER"

    def value(self, given: str) -> int | None:
        """The number; exit code 2 for text that is none, or less than 0."""
        return whole(f"--{self.name}", given) if given else None


class Ago(Option):
    """A time before now such as 10m, or an instant; not given: empty."""

    usual = "TIME"

    def value(self, given: str) -> str:
        """As ``docker logs`` takes it; exit code 2 for other text."""
        return ago(f"--{self.name}", given)


class Duration(Option):
    """A time such as 90s, 10m or 1h; not given: 0."""

    usual = "DURATION"

    def value(self, given: str) -> int:
        """Seconds; exit code 2 for text that is no duration."""
        return seconds(f"--{self.name}", given)


class Share(Option):
    """A part of the clients such as 10%; not given: 0."""

    usual = "SHARE"

    def value(self, given: str) -> int:
        """Of 100; exit code 2 for text that is no share."""
        return percent(f"--{self.name}", given)


REF = Text(
    "ref", "commit, branch or tag at the repository (default: the branch in hosts.ini)", "REF"
)
YES = Flag("yes", "do not ask before the first change (never asked off a terminal)", letter="y")
JSON = Flag(
    "json",
    "print one JSON object on standard output, of logs one for each line (docs/json.md); steps go"
    " to standard error",
)
WAIVE = Texts(
    "waive",
    "name of a gate that may be red, such as link or outside:site; may be given again",
    "GATE",
)
RESTART_DATA = Flag("restart-data", "allow what would recreate or restart PostgreSQL or Redis")
DRY_RUN = Flag(
    "dry-run", "show the plan and what each step would run on the server; change nothing"
)
VERBOSE = Flag(
    "verbose", "of a dry run: whole commands and scripts, not their first lines", letter="v"
)
ONLY = Texts("only", "deploy this service only; may be given again", "SERVICE")
REBUILD = Flag("rebuild", "build again what is there already, on freshly pulled bases")
ALLOW_DESTRUCTIVE = Flag(
    "allow-destructive", "allow migrations that lose data or break code which still runs"
)
MIGRATIONS = Choice(
    "migrations",
    "when the older image does not know the schema: take it down, or keep it",
    "down|keep",
)
REMOVE_ORPHANS = Flag(
    "remove-orphans", "remove containers of this project that are no longer in its stack"
)
TO = Text(
    "to",
    "id of a release or (the start of) a commit (default: the release before this one)",
    "RELEASE",
)
SHOW = Text(
    "show", "the whole record of one release: last, or the start of its id or commit", "RELEASE"
)
TAIL = Count(
    "tail", "lines of each container (default: 100; all with --since, or to search in)", "LINES"
)
SINCE = Ago("since", "from then on: 10m ago, or an instant such as 2026-11-30T14:30:00 (UTC)")
UNTIL = Ago("until", "up to then, given in the same way")
GREP = Text("grep", "only lines in which this regular expression is found", "PATTERN")
LEVEL = Choice("level", "only lines as bad as this, or worse", "|".join(LEVELS))
STATUS = Text("status", "only requests at the proxy that were answered so: 502, or 5xx", "STATUS")
SLOW = Duration("slow", "only requests at the proxy that took as long as this, such as 1s")
FOLLOW = Flag("follow", "go on showing new lines until Ctrl-C", letter="f")
SERVICE = Text(
    "service",
    "a service of the stack; of logs also one of its containers, such as core-api-2 (default: all;"
    " volume.restore: required)",
    "SERVICE",
)
CERTIFICATE = Text(
    "certificate", "file with the certificate and the chain below it, PEM", "FILE", REQUIRED
)
KEY = Text("key", "file with its private key, PEM, without a passphrase", "FILE", REQUIRED)
SERVER = Text(
    "server",
    "name in hosts.ini (default: the only one that can be meant; ssl.renew, env.check, env.diff,"
    " env.explain, env.init: all; env.rotate: all that need it alike)",
    "SERVER",
)
FINGERPRINT = Text(
    "fingerprint",
    "the host key's, as the server's own console shows it (default: compare and answer)",
    "SHA256:...",
)
FILE = Text("file", "an .env on this machine (default: standard input or output)", "FILE")
ANSWERS = Text(
    "answers", "file with KEY=value lines for what would be asked (default: ask)", "FILE"
)
SETTING = Text("setting", "a key of .env, such as JWT_SECRET_KEY", "KEY", REQUIRED)
FORCE = Flag("force", "renew also what is not due yet")
NUMBER = Number("number", "how many releases (default: 10)", default=10)
ON = Text(
    "on",
    "server (default: db: the first whose stack has a database; cron, volume.backup: all)",
    "SERVER",
)
MAILTO = Text(
    "mailto",
    "who gets the output of a job that failed (default: as before, else cron's own)",
    "ADDRESS",
)
QUIET = Flag("quiet", "show nothing when all is well", letter="q")
INTO = Text("into", "name of a new database to restore into, beside the live one", "NAME")
DROP_OLD = Flag("drop-old", "remove the databases that earlier restores kept, and nothing else")
TO_TIME = Text(
    "to-time",
    "bring the database back as it was at this instant (ISO 8601, UTC by default)",
    "TIME",
)
WAIT = Duration(
    "wait", "how long to wait for others who hold the server, such as 90s, 10m or 1h (default: 0)"
)
CANARY = Share("canary", "share of the clients that the new replicas get first, such as 10%")
FOR = Duration("for", "how long a canary takes, such as 90s, 10m or 1h (default: 5m)")
KEEP_OLD = Duration(
    "keep-old", "how long the former replicas run on after the proof, for a rollback by one load"
)
WHY = Text("why", "what everybody is told who wants to change the frozen server", "TEXT")
FROM = Text(
    "from",
    "name of a backup, latest (the newest verified one), newest, or s3://BUCKET/.../NAME"
    " (default: newest; db.restore: latest)",
    "BACKUP",
)
IDENTITY = Text(
    "identity", "file with the private key of age that opens an encrypted off-site copy", "FILE"
)

USER = Text(
    "user", "who logs in: root, or who may use sudo (default: hosts.ini's user, else root)", "USER"
)
PATH = Text("path", "folder in the git repository of the project (default: here)", "FOLDER", ".")
COMPOSE = Text(
    "compose",
    "its compose files, with commas (default: the one that docker compose takes)",
    "FILES",
)

ALLOWED = (RESTART_DATA, ALLOW_DESTRUCTIVE, REMOVE_ORPHANS)
"""The part of a :class:`~fabfile.model.deploy.plan.Wish` that means the same on every server."""
WISH = (ONLY, REBUILD, *ALLOWED)
"""What the Wish of one server is made of; the names are those of its fields."""
LOGS = (SERVICE, SINCE, UNTIL, TAIL, GREP, LEVEL, STATUS, SLOW, FOLLOW, JSON)
"""Which lines of logs are shown, and how; the names are those of ``ops.watch.logs.options``."""
