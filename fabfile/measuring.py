"""The tasks that look and answer the same for one server and for all: logs, history, measures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from invoke import Task

from .command import command
from .options import FOLLOW, HISTORY, JSON, LOGS, SINCE

if TYPE_CHECKING:
    from .ops.session import Session


def looking_tasks(server: str = "") -> list[Task[Any]]:
    """Those of the server ``server``; empty: those of all servers together."""

    def names(session: Session) -> Sequence[str]:
        return [server] if server else [one.name for one in session.inventory.servers]

    made = [make(names) for make in (_logs, _stats, _top, _disk, _network, _events)]
    return [*made, _history(names, of_all=not server)]


Names = Callable[["Session"], Sequence[str]]


def _logs(names: Names) -> Task[Any]:
    @command(*LOGS)
    def logs_task(session: Session, json: bool, **wish: Any) -> None:
        """Show the end of the containers' logs, in the order of time; --follow goes on."""
        from .ops.watch import logs

        logs.logs(session, names(session), logs.options(**wish), as_json=json)

    return logs_task


def _stats(names: Names) -> Task[Any]:
    @command(JSON)
    def stats_task(session: Session, json: bool) -> None:
        """Show what each container uses, beside its limit."""
        from .ops.watch import metering

        metering.stats(session, names(session), as_json=json)

    return stats_task


def _top(names: Names) -> Task[Any]:
    @command(JSON)
    def top_task(session: Session, json: bool) -> None:
        """Show the processes in containers that take most of the processor."""
        from .ops.watch import metering

        metering.top(session, names(session), as_json=json)

    return top_task


def _disk(names: Names) -> Task[Any]:
    @command(JSON)
    def disk_task(session: Session, json: bool) -> None:
        """Show what takes room, what of it nothing needs, and the command that frees it."""
        from .ops.watch import metering

        metering.disk(session, names(session), as_json=json)

    return disk_task


def _network(names: Names) -> Task[Any]:
    @command(JSON)
    def network_task(session: Session, json: bool) -> None:
        """Show the networks, who is in them, and what is published."""
        from .ops.watch import metering

        metering.network(session, names(session), as_json=json)

    return network_task


def _events(names: Names) -> Task[Any]:
    @command(SINCE, FOLLOW, JSON)
    def events_task(session: Session, since: str, follow: bool, json: bool) -> None:
        """Show what happened to containers: starts, ends, health; --follow goes on."""
        from .ops.watch import events

        events.events(session, names(session), since, follow=follow, as_json=json)

    return events_task


def _history(names: Names, *, of_all: bool) -> Task[Any]:
    @command(*HISTORY)
    def history_task(session: Session, json: bool, **wish: Any) -> None:
        """List the last releases, failed ones too; --all: whatever was changed, and by whom."""
        from .ops.watch import history

        options = history.Options(**wish, of_all=of_all)
        history.history(session, names(session), options, as_json=json)

    return history_task
