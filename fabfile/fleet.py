"""The tasks of all servers together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .command import command

if TYPE_CHECKING:
    from .ops.session import Session


@command(
    "ref",
    "waive",
    "restart-data",
    "allow-destructive",
    "remove-orphans",
    "yes",
    "wait",
    "dry-run",
    "json",
    iterable=("waive",),
)
def deploy_task(
    session: Session,
    ref: str = "",
    waive: Sequence[str] | None = None,
    restart_data: bool = False,
    allow_destructive: bool = False,
    remove_orphans: bool = False,
    yes: bool = False,
    wait: str = "",
    dry_run: bool = False,
    json: bool = False,
) -> None:
    """Bring all servers to one commit, the called one before its caller; both or none."""
    from .model.deploy.plan import Wish
    from .model.duration import seconds
    from .ops.deploy import fleet as deploy
    from .ops.deploy.deployment import Options

    wish = Wish(
        restart_data=restart_data,
        remove_orphans=remove_orphans,
        allow_destructive=allow_destructive,
    )
    patience = seconds("--wait", wait)
    options = Options(ref, tuple(waive or ()), wish, yes, dry_run, patience)
    deploy.deploy(session, session.inventory.called_first(), options, as_json=json)


@command("ref", "restart-data", "allow-destructive", "remove-orphans", "json")
def plan_task(
    session: Session,
    ref: str = "",
    restart_data: bool = False,
    allow_destructive: bool = False,
    remove_orphans: bool = False,
    json: bool = False,
) -> None:
    """Show what a deploy of all servers would do and why; change nothing."""
    from .model.deploy.plan import Wish
    from .ops.deploy import planning

    wish = Wish(
        restart_data=restart_data,
        remove_orphans=remove_orphans,
        allow_destructive=allow_destructive,
    )
    planning.plan(session, session.inventory.called_first(), ref, wish, as_json=json)


@command("json")
def status_task(session: Session, json: bool = False) -> None:
    """Show what runs on all servers."""
    from .ops.watch import status

    names = [server.name for server in session.inventory.servers]
    status.status(session, names, as_json=json)


@command("json")
def doctor_task(session: Session, json: bool = False) -> None:
    """Examine all servers: what would stop a deploy, and what needs care; exit 1 on a problem."""
    from .ops.watch import doctor

    doctor.doctor(session, as_json=json)
