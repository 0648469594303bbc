"""Logs: what the containers of one server or of all have written, in the order of its time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ...model.errors import Trouble, refused
from ...model.nearest import meant
from ...model.watch.log_lines import Wanted, wanted
from ...model.watch.reader import LogReader
from ...remote.watch import logs as remote
from ...remote.watch.logs import Asked
from ..session import Session, all_of, side_by_side
from ..sight import DEPLOYED, Sight, look_at
from . import merging
from .merging import Source

TAIL = 100
"""Lines of each container, where nobody says how many."""


@dataclass(frozen=True)
class Options:
    """What somebody wants to read."""

    service: str
    """Or one of its containers; empty: all."""
    tail: int | None
    """Lines of each container; None: :data:`TAIL`, or all where ``since`` or ``wanted`` tell."""
    since: str
    """As ``docker logs`` takes it; empty: from the beginning."""
    until: str
    """The same; empty: to the end."""
    wanted: Wanted
    follow: bool

    @property
    def least(self) -> str:
        """Lines of each container that must be read to find those that are wanted."""
        if not self.wanted.all or (self.since and self.tail is None):
            return "all"
        return str(TAIL if self.tail is None else self.tail)


def options(
    service: str,
    since: str,
    until: str,
    tail: int | None,
    grep: str,
    level: str,
    status: str,
    slow: int,
    follow: bool,
) -> Options:
    """What the options of a command ask for; exit code 2 where they mean nothing."""
    if follow and until:
        raise refused("--until says where to end, and --follow not to")
    return Options(service, tail, since, until, wanted(grep, level, status, slow), follow)


def logs(session: Session, names: Sequence[str], options: Options, *, as_json: bool) -> None:
    """Show the logs of servers, merged; ``follow`` goes on until Ctrl-C.

    Where one server cannot be reached, the others are shown all the same, and the exit code is 2; 1
    where one is lost for good while its logs are followed. JSON is an object for each line.
    """
    looked = side_by_side(lambda name: _look(session, name), names)
    sources = _sources(looked, options)
    away = [one for one in looked.values() if isinstance(one, Trouble)]
    away += merging.show(
        session,
        sources,
        options.wanted,
        tail=options.tail,
        follow=options.follow,
        as_json=as_json,
    )
    if away:
        raise all_of(away)


def _look(session: Session, name: str) -> Sight | Trouble:
    try:
        sight = look_at(session, name, DEPLOYED)
        if sight.target is None:
            sight.require()
    except Trouble as trouble:
        return trouble
    return sight


def _sources(looked: Mapping[str, Sight | Trouble], options: Options) -> list[Source]:
    """The servers that were seen and have what is meant; exit code 2 when none of them has it."""
    found: list[Source] = []
    known: list[str] = []
    for name, sight in looked.items():
        if isinstance(sight, Trouble) or sight.target is None:
            continue
        stack = sight.target.stack
        services = [one.name for one in stack.services]
        stem = f"{stack.project}-"
        containers = [one.name.removeprefix(stem) for one in sight.facts.containers]
        known += services
        if options.service and options.service not in (*services, *containers):
            continue
        asked = Asked(stack.project, options.service, options.least, options.since, options.until)
        found.append(_source(name, asked))
    if known and not found:
        raise refused(
            f"no service '{options.service}' in the stack; services: {', '.join(known)}"
            f"{meant(options.service, known)}"
        )
    return found


def _source(name: str, asked: Asked) -> Source:
    return Source(
        name,
        LogReader(name, asked.project),
        lambda host: remote.read(host, asked),
        lambda host, since, come: remote.follow(host, replace(asked, since=since), come),
    )
