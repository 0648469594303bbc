"""The tasks that look and answer the same for one server and for all: logs, history, measures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from invoke import Task

from .command import about, command
from .kinds import Option
from .options import FOLLOW, GROUP, HISTORY, JSON, LOGS, SINCE

if TYPE_CHECKING:
    from .ops.session import Session


def looking_tasks(server: str = "") -> list[Task[Any]]:
    """Those of the server ``server``; empty: those of all servers together, or of a group."""
    where = () if server else (GROUP,)

    def names(session: Session, group: str = "") -> Sequence[str]:
        return [server] if server else session.inventory.names_of(group)

    makers = (_logs, _stats, _top, _disk, _network, _events, _history)
    return [about(make(names, where), server) for make in makers]


Names = Callable[..., Sequence[str]]
"""A session and the name of a group, where there can be one, to the servers that are meant."""
Where = tuple[Option, ...]
"""The options that say which these are."""


def _logs(names: Names, where: Where) -> Task[Any]:
    @command(*where, *LOGS)
    def logs_task(session: Session, json: bool, **wish: Any) -> None:
        """Show the end of the containers' logs, in the order of time; --follow goes on.

        Example: fab SERVER.logs --service web --since 10m --level error
        Example: fab SERVER.logs --status 5xx --follow
        """
        from .ops.watch import logs

        meant = names(session, wish.pop("group", ""))
        logs.logs(session, meant, logs.options(**wish), as_json=json)

    return logs_task


def _stats(names: Names, where: Where) -> Task[Any]:
    @command(*where, JSON)
    def stats_task(session: Session, json: bool, **group: str) -> None:
        """Show what each container uses, beside its limit.

        Example: fab SERVER.stats
        """
        from .ops.watch import metering

        metering.stats(session, names(session, **group), as_json=json)

    return stats_task


def _top(names: Names, where: Where) -> Task[Any]:
    @command(*where, JSON)
    def top_task(session: Session, json: bool, **group: str) -> None:
        """Show the processes in containers that take most of the processor.

        Example: fab SERVER.top
        """
        from .ops.watch import metering

        metering.top(session, names(session, **group), as_json=json)

    return top_task


def _disk(names: Names, where: Where) -> Task[Any]:
    @command(*where, JSON)
    def disk_task(session: Session, json: bool, **group: str) -> None:
        """Show what takes room, what of it nothing needs, and the command that frees it.

        Example: fab SERVER.disk
        """
        from .ops.watch import metering

        metering.disk(session, names(session, **group), as_json=json)

    return disk_task


def _network(names: Names, where: Where) -> Task[Any]:
    @command(*where, JSON)
    def network_task(session: Session, json: bool, **group: str) -> None:
        """Show the networks, who is in them, and what is published.

        Example: fab SERVER.network
        """
        from .ops.watch import metering

        metering.network(session, names(session, **group), as_json=json)

    return network_task


def _events(names: Names, where: Where) -> Task[Any]:
    @command(*where, SINCE, FOLLOW, JSON)
    def events_task(session: Session, since: str, follow: bool, json: bool, **group: str) -> None:
        """Show what happened to containers: starts, ends, health; --follow goes on.

        Example: fab SERVER.events --since 2h --follow
        """
        from .ops.watch import events

        events.events(session, names(session, **group), since, follow=follow, as_json=json)

    return events_task


def _history(names: Names, where: Where) -> Task[Any]:
    @command(*where, *HISTORY)
    def history_task(session: Session, json: bool, **wish: Any) -> None:
        """List the last releases, failed ones too; --all: whatever was changed, and by whom.

        Example: fab SERVER.history --number 20
        Example: fab SERVER.history --show last
        """
        from .ops.watch import history

        meant = names(session, wish.pop("group", ""))
        options = history.Options(**wish, of_all=bool(where))
        history.history(session, meant, options, as_json=json)

    return history_task
