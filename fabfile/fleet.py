"""The tasks of all servers together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .command import command
from .options import ALLOWED, DRY_RUN, JSON, REF, USER, VERBOSE, WAIT, WAIVE, YES

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
    """Bring all servers to one commit, the called one before its caller; both or none."""
    from .model.deploy.plan import Wish
    from .ops.deploy import fleet as deploy
    from .ops.deploy.deployment import Options

    options = Options(ref, waive, Wish(**wish), yes, dry_run, verbose, wait)
    deploy.deploy(session, session.inventory.called_first(), options, as_json=json)


@command(REF, *ALLOWED, JSON)
def plan_task(session: Session, ref: str, json: bool, **wish: Any) -> None:
    """Show what a deploy of all servers would do and why; change nothing."""
    from .model.deploy.plan import Wish
    from .ops.deploy import planning

    planning.plan(session, session.inventory.called_first(), ref, Wish(**wish), as_json=json)


@command(JSON)
def status_task(session: Session, json: bool) -> None:
    """Show what runs on all servers."""
    from .ops.watch import status

    names = [server.name for server in session.inventory.servers]
    status.status(session, names, as_json=json)


@command(VERBOSE, JSON)
def doctor_task(session: Session, verbose: bool, json: bool) -> None:
    """Examine all servers: what would stop a deploy, and what needs care; exit 1 on a problem."""
    from .ops.watch import doctor

    names = [server.name for server in session.inventory.servers]
    doctor.doctor(session, names, verbose=verbose, as_json=json)


@command(USER, YES, DRY_RUN)
def bootstrap_task(session: Session, user: str, yes: bool, dry_run: bool) -> None:
    """Make bare hosts servers: engine, user, rights, folders; a second run changes nothing."""
    from .ops.access import bootstrap

    names = session.inventory.called_first()
    bootstrap.bootstrap(session, names, user, yes=yes, dry_run=dry_run)
