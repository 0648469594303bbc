"""The tasks of one server, the same for every server: a third one is a section and a line."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from invoke import Collection, Task

from .command import command
from .ops import inspection
from .ops.deploy import Options, deploy
from .ops.session import Session
from .ops.status import status


def server_tasks(server: str) -> Collection:
    """The namespace of the server ``server`` of ``hosts.ini``."""
    makers: Sequence[Callable[[str], Task]] = (_deploy, _status, _history, _health, _logs, _ps)
    return Collection(server, *(make(server) for make in makers))


def _deploy(server: str) -> Task:
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
        """Bring the server to a commit: prepare, cut over, prove; exit 0, 1, 2 or 3."""
        options = Options(ref, tuple(waive), restart_data, yes, dry_run)
        deploy(session, [server], options, as_json=json)

    return deploy_task


def _status(server: str) -> Task:
    @command("json")
    def status_task(session: Session, json: bool = False) -> None:
        """Show what runs, whether it is what was deployed, and what a deploy would change."""
        status(session, [server], as_json=json)

    return status_task


def _history(server: str) -> Task:
    @command("number", "json")
    def history_task(session: Session, number: int = 10, json: bool = False) -> None:
        """List the last releases, the failed ones included."""
        inspection.history(session, server, number, as_json=json)

    return history_task


def _health(server: str) -> Task:
    @command("json")
    def health_task(session: Session, json: bool = False) -> None:
        """Ask every gate now: inside, through the proxy, from outside; exit 1 when one is red."""
        inspection.health(session, server, as_json=json)

    return health_task


def _logs(server: str) -> Task:
    @command("service", "tail", "follow")
    def logs_task(
        session: Session, service: str = "", tail: int = 100, follow: bool = False
    ) -> None:
        """Show the end of the services' logs."""
        inspection.logs(session, server, service, tail, follow=follow)

    return logs_task


def _ps(server: str) -> Task:
    @command()
    def ps_task(session: Session) -> None:
        """List the containers on the server, of whatever project."""
        inspection.containers(session, server)

    return ps_task
