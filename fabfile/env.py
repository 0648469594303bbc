"""The tasks of the settings and secrets of servers: their ``.env``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke import Collection

from .command import command
from .options import ANSWERS, FILE, GROUP, JSON, RESTART_DATA, SERVER, SETTING, WAIVE, YES

if TYPE_CHECKING:
    from .ops.session import Session


@command(SERVER, GROUP, JSON)
def check_task(session: Session, server: str, group: str, json: bool) -> None:
    """Check each server's .env as a deploy does, and across servers; exit 1 when one is wrong.

    Example: fab env.check --group eu
    """
    from .ops.access import inspecting

    inspecting.check(session, server, group, as_json=json)


@command(SERVER, GROUP, JSON)
def diff_task(session: Session, server: str, group: str, json: bool) -> None:
    """Show in what .env differs: from .env.example, from what runs, and from other servers.

    Example: fab env.diff --server ubuntu
    """
    from .ops.access import inspecting

    inspecting.diff(session, server, group, as_json=json)


@command(SETTING, SERVER, JSON)
def explain_task(session: Session, setting: str, server: str, json: bool) -> None:
    """Show where a key of .env comes from, what it must be, and which services read it.

    Example: fab env.explain DOMAIN
    """
    from .ops.access import explaining

    explaining.explain(session, setting, server, as_json=json)


@command(SETTING, SERVER, YES, journal="env.set")
def set_task(session: Session, setting: str, server: str, yes: bool) -> None:
    """Give a key of .env another value, typed without being shown or by standard input.

    The file is checked first and written whole; the former one stays beside it. Exit codes: 0
    done; 1 not written, all is as it was; 2 refused.

    Example: fab env.set DOMAIN --server ubuntu
    """
    from .ops.access import editing

    editing.set_(session, setting, server, yes=yes)


@command(SERVER, FILE)
def pull_task(session: Session, server: str, file: str) -> None:
    """Write a server's .env into a new file that only you can read, or to standard output.

    Example: fab env.pull --server ubuntu --file ubuntu.env
    """
    from .ops.access import editing

    editing.pull(session, server, file)


@command(SERVER, FILE, YES, journal="env.push")
def push_task(session: Session, server: str, file: str, yes: bool) -> None:
    """Put a file in the place of a server's .env: checked first, shown by name, former kept.

    Exit codes: 0 done; 1 not written, all is as it was; 2 refused.

    Example: fab env.push --server ubuntu --file ubuntu.env
    """
    from .ops.access import editing

    editing.push(session, server, file, yes=yes)


@command(SERVER)
def save_task(session: Session, server: str) -> None:
    """Encrypt each server's .env into its file of this repository (secrets in hosts.ini).

    Example: fab env.save --server ubuntu
    """
    from .ops.access import keeping

    keeping.save(session, server)


@command(SERVER, YES, journal="env.restore")
def restore_task(session: Session, server: str, yes: bool) -> None:
    """Put the encrypted copy of this repository in the place of a server's .env; checked first.

    Exit codes: 0 done; 1 not written, all is as it was; 2 refused.

    Example: fab env.restore --server ubuntu
    """
    from .ops.access import editing

    editing.restore(session, server, yes=yes)


@command(SERVER, ANSWERS, YES, journal="env.init")
def init_task(session: Session, server: str, answers: str, yes: bool) -> None:
    """Give each server's .env what it needs: make secrets, ask for the rest; change nothing in it.

    Exit codes: 0 done; 1 not all is written, and a second run adds what is missing; 2 refused.

    Example: fab env.init --server ubuntu --answers answers.txt
    """
    from .ops.access import initial

    initial.init(session, server, answers, yes=yes)


@command(SETTING, SERVER, RESTART_DATA, WAIVE, YES, journal="env.rotate")
def rotate_task(
    session: Session,
    setting: str,
    server: str,
    restart_data: bool,
    waive: tuple[str, ...],
    yes: bool,
) -> None:
    """Make a secret anew wherever it is needed alike, and replace what reads it; or go back.

    Exit codes: 0 done; 1 failed, the former value is back, proved; 2 nothing was touched; 3 a
    person is needed.

    Example: fab env.rotate JWT_SECRET_KEY
    """
    from .ops.access import rotating

    rotating.rotate(session, rotating.Asked(setting, server, restart_data, waive, yes))


ns = Collection(
    "env",
    check_task,
    diff_task,
    explain_task,
    init_task,
    set_task,
    rotate_task,
    pull_task,
    push_task,
    save_task,
    restore_task,
)
ns.__doc__ = "Settings and secrets"
