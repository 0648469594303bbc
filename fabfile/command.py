"""A command: from a task's arguments to a session, from any error to one line and a code."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fabric import Connection
from invoke import Context, Exit, Task, task

from .model.errors import FAILED, Trouble, refused
from .ui.console import Console

PROJECT = Path(__file__).resolve().parent.parent

HELP = {
    "ref": "commit, branch or tag at the repository (default: the branch in hosts.ini)",
    "yes": "do not ask before the first change (never asked off a terminal)",
    "json": "print one JSON object on standard output (docs/json.md); steps go to standard error",
    "waive": "name of a gate that may be red, such as link or outside:site; may be given again",
    "restart-data": "allow what would recreate or restart PostgreSQL or Redis",
    "dry-run": "show the plan and every command that would change the server; change nothing",
    "only": "deploy this service only; may be given again",
    "rebuild": "build again what is there already, on freshly pulled bases",
    "allow-destructive": "allow migrations that lose data or break code which still runs",
    "migrations": "when the older image does not know the schema: down (take it down), or keep",
    "remove-orphans": "remove containers of this project that are no longer in its stack",
    "to": "id of a release or (the start of) a commit (default: the release before this one)",
    "show": "the whole record of one release: last, or the start of its id or commit",
    "tail": "lines of each log (default: 100)",
    "follow": "go on showing new lines until Ctrl-C",
    "service": "a service of the stack (default: all)",
    "certificate": "file with the certificate and the chain below it, PEM",
    "key": "file with its private key, PEM, without a passphrase",
    "server": "name in hosts.ini (default: the only one that can be meant; ssl.renew: all)",
    "force": "renew also what is not due yet",
    "number": "how many releases (default: 10)",
    "on": "server (default: db: the first whose stack has a database; cron, volume.backup: all)",
    "mailto": "who gets the output of a job that failed (default: as before, else cron's own)",
    "quiet": "show nothing when all is well",
    "into": "name of a new database to restore into, beside the live one",
    "drop-old": "remove the databases that earlier restores kept, and nothing else",
    "to-time": "bring the database back as it was at this instant (ISO 8601, UTC by default)",
    "wait": "how long to wait for others who hold the server, such as 90s, 10m or 1h (default: 0)",
    "why": "what everybody is told who wants to change the frozen server",
    "from": "name of a backup, latest (the newest verified one), newest, or s3://BUCKET/.../NAME",
    "identity": "file with the private key of age that opens an encrypted off-site copy",
}
"""The help of every argument, written once."""


def command(
    *arguments: str, iterable: tuple[str, ...] = ()
) -> Callable[[Callable[..., Any]], Task[Any]]:
    """A task whose body gets a session (ops/session.py); it ends with one line and an exit code.

    ``arguments`` are the keys of :data:`HELP` that the task takes. The default of an ``iterable``
    one must be None: Invoke takes the type of any other default as a cast for each value. The
    name of the task is the body's without ``_task``.
    """

    def decorate(body: Callable[..., Any]) -> Task[Any]:
        @functools.wraps(body)
        def run(context: Context, *values: Any, **keywords: Any) -> None:
            from .ops.session import Session, read_inventory

            console = Console(as_json=bool(keywords.get("json")))
            try:
                _refuse_hosts(context)
                with Session(read_inventory(os.environ, PROJECT), console) as session:
                    body(session, *values, **keywords)
            except Trouble as trouble:
                console.error(trouble)
                raise Exit(code=trouble.code) from None
            except KeyboardInterrupt:
                console.error(Trouble("interrupted; fab status shows where things stand"))
                raise Exit(code=FAILED) from None

        made: Task[Any] = task(  # type: ignore[assignment]
            run,
            name=body.__name__.removesuffix("_task"),
            help={argument: HELP[argument] for argument in arguments},
            iterable=list(iterable),
        )
        return made

    return decorate


def _refuse_hosts(context: Context) -> None:
    if isinstance(context, Connection):
        raise refused(
            "-H is not for these tasks: each names its server; hosts.ini has the addresses"
        )
