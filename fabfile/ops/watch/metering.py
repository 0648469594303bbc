"""What the servers use now: containers, processes, disks, networks; side by side, reading only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, ClassVar, Protocol

from ...model.errors import Trouble
from ...model.watch import disks, meters, networks
from ...remote.host import Host
from ...remote.watch import meters as remote
from ..session import Session, all_of, side_by_side

BUSIEST = 15
"""Processes of a server that are shown."""


class Row(Protocol):
    """A measurement: a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def row(self) -> tuple[str, ...]:
        """A row of a table."""


def stats(session: Session, names: Sequence[str], *, as_json: bool) -> None:
    """What each container uses, beside its limit."""
    _measure(session, names, remote.stats, meters.USAGE, as_json=as_json)


def top(session: Session, names: Sequence[str], *, as_json: bool) -> None:
    """The processes that take most of the processor."""
    _measure(session, names, remote.top, meters.PROCESS, as_json=as_json, most=BUSIEST)


def disk(session: Session, names: Sequence[str], *, as_json: bool) -> None:
    """What takes room, and which command frees what of it."""
    _measure(session, names, remote.disk, disks.KEPT, as_json=as_json)


def network(session: Session, names: Sequence[str], *, as_json: bool) -> None:
    """Who is in which network, at which address, and what is published."""
    _measure(session, names, remote.network, networks.MEMBER, as_json=as_json)


def _measure(
    session: Session,
    names: Sequence[str],
    ask: Callable[[Host], Sequence[Row]],
    columns: tuple[str, ...],
    *,
    as_json: bool,
    most: int | None = None,
) -> None:
    """Ask all; where one cannot be reached the others are shown, and the exit code is 2."""

    def measured(name: str) -> Sequence[Row] | Trouble:
        try:
            return ask(session.host(name))[:most]
        except Trouble as trouble:
            return trouble

    found = side_by_side(measured, names)
    seen = {name: one for name, one in found.items() if not isinstance(one, Trouble)}
    if as_json and seen:
        session.console.result({name: [*map(asdict, rows)] for name, rows in seen.items()})
    elif not as_json:
        for name, rows in seen.items():
            session.console.table(name, columns, [one.row for one in rows])
    if away := [one for one in found.values() if isinstance(one, Trouble)]:
        raise all_of(away)
