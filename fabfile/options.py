"""The options: each is declared here once, and ``@command`` makes of it what Invoke reads.

A new option is a declaration here, its name in the ``@command`` of a task, and a parameter there.
"""

from __future__ import annotations

from .kinds import REQUIRED, Ago, Choice, Count, Duration, Flag, Pair, Share, Text, Texts
from .model.watch.levels import LEVELS

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
    "verbose",
    "of a dry run: whole commands and scripts, not their first lines; doctor: also what is ok",
    letter="v",
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
SINCE = Ago("since", "from then on: 10m or 2d ago, or an instant such as 2026-11-30T14:30:00 (UTC)")
UNTIL = Ago("until", "up to then, given in the same way (maintenance.on: in 30m, or at an instant)")
GREP = Text("grep", "only lines in which this regular expression is found", "PATTERN")
LEVEL = Choice("level", "only lines as bad as this, or worse", "|".join(LEVELS))
STATUS = Text("status", "only requests at the proxy that were answered so: 502, or 5xx", "STATUS")
SLOW = Duration("slow", "only requests at the proxy that took as long as this, such as 1s")
FOLLOW = Flag("follow", "go on showing new lines until Ctrl-C", letter="f")
WATCH = Flag("watch", "look again every 2 seconds, on a terminal, until Ctrl-C")
SERVICE = Text(
    "service",
    "a service of the stack; of logs also one of its containers, such as web-2 (default: all;"
    " volume.restore: required)",
    "SERVICE",
)
REPLICA = Count("replica", "which container of the service (default: the first healthy one)")
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
GROUP = Text("group", "only the servers of this group in hosts.ini (default: all)", "GROUP")
COMMAND = Text("command", "a line of the shell, in quotes", "COMMAND", REQUIRED)
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
NUMBER = Count("number", "how many releases or entries (default: 10; all with --since)")
WHO = Text("who", "only what somebody of this name did, or a part of it: ann", "NAME")
ALL = Flag("all", "everything that tasks changed, not only releases, merged by time")
DIFF = Pair(
    "diff",
    "what changed from one release to another: ids, commits (their start will do), or last",
    "RELEASE RELEASE",
)
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
JOB = Text("job", "name of one of the jobs under x-deploy", "JOB", REQUIRED)
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
WHY = Text("why", "the reason: who looks, or wants to change a frozen server, is told it", "TEXT")
ALLOW = Texts("allow", "address that is served as ever; may be given again", "ADDRESS")
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
HISTORY = (NUMBER, SINCE, WHO, ALL, SHOW, DIFF, JSON)
"""What of the history is shown; the names are those of ``ops.watch.history.Options``."""
