"""The tasks of all servers together."""

from __future__ import annotations

from collections.abc import Sequence

from .command import command
from .ops import deploy as use_case
from .ops import status as look
from .ops.session import Session


@command("ref", "yes", "json", "waive", "restart-data", "dry-run", iterable=("waive",))
def deploy_task(
    session: Session,
    ref: str = "",
    yes: bool = False,
    json: bool = False,
    waive: Sequence[str] = (),
    restart_data: bool = False,
    dry_run: bool = False,
) -> None:
    """Bring all servers to one commit, the called one before its caller."""
    options = use_case.Options(ref, tuple(waive), restart_data, yes, dry_run)
    use_case.deploy(session, session.inventory.called_first(), options, as_json=json)


@command("json")
def status_task(session: Session, json: bool = False) -> None:
    """Show what runs on all servers."""
    names = [server.name for server in session.inventory.servers]
    look.status(session, names, as_json=json)
