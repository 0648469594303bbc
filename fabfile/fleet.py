"""The tasks of all servers together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .command import command
from .options import (
    ALLOWED,
    COMMAND,
    DRY_RUN,
    GROUP,
    JSON,
    REF,
    USER,
    VERBOSE,
    WAIT,
    WAIVE,
    WATCH,
    YES,
)

if TYPE_CHECKING:
    from .ops.session import Session


@command(REF, *ALLOWED, WAIVE, YES, WAIT, DRY_RUN, VERBOSE, JSON)
def deploy_task(
    session: Session,
    ref: str,
    waive: tuple[str, ...],
    yes: bool,
    wait: int,
    dry_run: bool,
    verbose: bool,
    json: bool,
    **wish: Any,
) -> None:
    """Bring all servers to one commit, the called one before its caller; both or none.

    Example: fab deploy --ref v1.4.0
    """
    from .model.deploy.plan import Wish
    from .ops.deploy import fleet as deploy
    from .ops.deploy.deployment import Options

    options = Options(ref, waive, Wish(**wish), yes, dry_run, verbose, wait)
    deploy.deploy(session, session.inventory.called_first(), options, as_json=json)


@command(REF, *ALLOWED, JSON)
def plan_task(session: Session, ref: str, json: bool, **wish: Any) -> None:
    """Show what a deploy of all servers would do and why; change nothing.

    Example: fab plan --ref v1.4.0
    """
    from .model.deploy.plan import Wish
    from .ops.deploy import planning

    planning.plan(session, session.inventory.called_first(), ref, Wish(**wish), as_json=json)


@command(GROUP, WATCH, JSON)
def status_task(session: Session, group: str, watch: bool, json: bool) -> None:
    """Show what runs on all servers; of more than two, a line each; exit 1 when one is not well.

    Example: fab status --group eu --watch
    """
    from .ops.watch import overview

    overview.overview(session, session.inventory.names_of(group), watch=watch, as_json=json)


@command(GROUP, VERBOSE, JSON)
def doctor_task(session: Session, group: str, verbose: bool, json: bool) -> None:
    """Examine all servers: what would stop a deploy, and what needs care; exit 1 on a problem.

    Example: fab doctor --group eu
    """
    from .ops.watch import doctor

    names = session.inventory.names_of(group)
    doctor.doctor(session, names, verbose=verbose, as_json=json)


@command(GROUP, USER, YES, DRY_RUN, journal="bootstrap")
def bootstrap_task(session: Session, group: str, user: str, yes: bool, dry_run: bool) -> None:
    """Make bare hosts servers: engine, user, rights, folders; a second run changes nothing.

    Example: fab bootstrap --user root --dry-run
    """
    from .ops.access import bootstrap

    wanted = session.inventory.names_of(group)
    names = [name for name in session.inventory.called_first() if name in wanted]
    bootstrap.bootstrap(session, names, user, yes=yes, dry_run=dry_run)


@command(COMMAND, GROUP, journal="run")
def run_task(session: Session, command: str, group: str) -> None:
    """Run a command on all servers at once, as their user; exit 1 where it fails on one.

    Example: fab run "df -h /opt" --group web
    """
    from .ops.watch import running

    running.run_on(session, session.inventory.names_of(group), command)
