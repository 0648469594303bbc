"""Events: what happened to the containers of one server or of all: starts, ends, health."""

from __future__ import annotations

from collections.abc import Sequence

from ...model.errors import Trouble
from ...model.watch.log_lines import Wanted
from ...model.watch.reader import EventReader
from ...remote.watch import events as remote
from ...remote.watch.aware import know
from ..session import Session, all_of, side_by_side
from . import merging
from .merging import Source

SINCE = "3600s"
"""From when on, where nobody says it."""


def events(
    session: Session, names: Sequence[str], since: str, *, follow: bool, as_json: bool
) -> None:
    """Show what happened, merged; ``follow`` goes on until Ctrl-C.

    The engine remembers its last 256 events. Where a server cannot be reached the others are shown,
    and the exit code is 2. JSON is an object for each event.
    """

    def reached(name: str) -> Source | Trouble:
        try:
            know(session.host(name))
        except Trouble as trouble:
            return trouble
        return Source(
            name,
            EventReader(name),
            lambda host: remote.read(host, since or SINCE),
            remote.follow,
        )

    found = side_by_side(reached, names)
    sources = [one for one in found.values() if isinstance(one, Source)]
    away = [one for one in found.values() if isinstance(one, Trouble)]
    away += merging.show(session, sources, Wanted(), follow=follow, as_json=as_json)
    if away:
        raise all_of(away)
