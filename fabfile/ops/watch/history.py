"""History: the releases of servers, also those that failed or died, and what else was changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from math import inf
from typing import Any

from ...model.deploy.preflight import unreadable
from ...model.errors import Trouble, refused
from ...model.facts import Facts
from ...model.journal import Entry
from ...model.release import Release
from ...model.watch.deeds import deeds
from ...remote import journal
from ...remote.look import look
from ..session import Session, all_of, at_once, side_by_side
from . import one_release, releases_apart

HANG = 4
"""Columns that the rest of a broken line begins in."""
NUMBER = 10
"""How many releases or entries are shown where nothing else limits them."""


@dataclass(frozen=True)
class Options:
    """What of the history is shown."""

    number: int | None = None
    since: str = ""
    """``600s`` before now, or seconds since 1970; empty: from the beginning."""
    who: str = ""
    all: bool = False
    """Not only releases."""
    show: str = ""
    diff: tuple[str, ...] = ()
    of_all: bool = False
    """Whether all servers were asked: then JSON is a list, of whatever number of them."""


@dataclass(frozen=True)
class Seen:
    """What a server tells."""

    name: str
    facts: Facts
    entries: Sequence[Entry]


def history(session: Session, names: Sequence[str], options: Options, *, as_json: bool) -> None:
    """Newest first. Where a server cannot be reached the others are shown, and the exit code is 2.

    With ``show`` one whole record of each server that has it; with ``diff`` two of them compared.
    """
    if sum(map(bool, (options.all, options.show, options.diff))) > 1:
        raise refused("--all, --show and --diff show three different things: give one of them")
    session.approach(names)
    found = side_by_side(lambda name: _seen(session, name), names)
    seen = [one for one in found.values() if isinstance(one, Seen)]
    if seen:
        _shown(session, seen, options)(as_json)
    if away := [one for one in found.values() if isinstance(one, Trouble)]:
        raise all_of(away)


def _seen(session: Session, name: str) -> Seen | Trouble:
    try:
        host = session.host(name)
        facts, entries = at_once(lambda: look(host), lambda: journal.read(host))
    except Trouble as trouble:
        return trouble
    return Seen(name, facts, entries)


def _shown(session: Session, seen: Sequence[Seen], options: Options) -> Callable[[bool], None]:
    """What shows it, as JSON or not."""
    facts = {one.name: one.facts for one in seen}
    if options.show:
        return lambda as_json: one_release.show(
            session, facts, options.show, as_json=as_json, as_list=options.of_all
        )
    if options.diff:
        return lambda as_json: releases_apart.show(
            session, facts, options.diff, as_json=as_json, as_list=options.of_all
        )
    kind = _merged if options.all else _releases
    return lambda as_json: kind(session, seen, options, as_json)


def _merged(session: Session, seen: Sequence[Seen], options: Options, as_json: bool) -> None:
    """Everything, of all servers, by time."""
    found = [
        deed
        for one in seen
        for deed in deeds(one.name, one.facts, one.entries)
        if _wanted(options, deed.at, deed.who, one.facts.now)
    ]
    newest = sorted(found, key=lambda deed: deed.at, reverse=True)[: _number(options)]
    if as_json:
        session.console.result([asdict(deed) for deed in newest])
        return
    hang = HANG if session.console.rich.is_terminal else None
    for deed in newest:
        text = f"{one_release.time_of(deed.at)} {deed.line}"
        session.console.line(deed.server, text, "" if deed.is_well else "red", hang=hang)
    if not newest:
        session.console.line("", "nothing of that is recorded")
    _warn(session, seen)


def _releases(session: Session, seen: Sequence[Seen], options: Options, as_json: bool) -> None:
    """The releases of each server, and what was changed in ``.env``."""
    views: list[dict[str, Any]] = []
    for one in seen:
        facts = one.facts
        newest = [
            release
            for release in reversed(facts.releases)
            if _wanted(options, release.started, release.who, facts.now)
        ][: _number(options)]
        edits = [entry for entry in one.entries if entry.keys]
        views += _views(facts, newest, edits)
        if not as_json:
            _tables(session, one, newest, edits, options)
    if as_json:
        session.console.result(views)
    else:
        _warn(session, seen)


def _tables(
    session: Session, one: Seen, newest: Sequence[Release], edits: Sequence[Entry], options: Options
) -> None:
    facts, console = one.facts, session.console
    rows = [
        (
            release.id,
            facts.outcome(release),
            f"{max(release.finished - release.started, 0)} s" if release.finished else "",
            release.who,
            release.error or (f"back to {release.back_to}" if release.back_to else release.subject),
        )
        for release in newest
    ]
    console.table(one.name, ("release", "outcome", "took", "who", "what"), rows)
    changes = [
        (one_release.time_of(edit.at), edit.task, edit.who, ", ".join(edit.keys))
        for edit in reversed(edits)
        if _wanted(options, edit.at, edit.who, facts.now)
    ][: _number(options)]
    if changes:
        console.table(f"{one.name}: .env", ("when", "task", "who", "keys"), changes)


def _warn(session: Session, seen: Sequence[Seen]) -> None:
    for one in seen:
        for text in unreadable(one.facts):
            session.console.warn(one.name, text)


def _views(
    facts: Facts, newest: Sequence[Release], edits: Sequence[Entry]
) -> Iterator[dict[str, Any]]:
    """Each release with the changes of ``.env`` since it began, up to the next one."""
    ends = {
        one.id: after.started
        for one, after in zip(facts.releases, facts.releases[1:], strict=False)
    }
    for release in newest:
        until: float = ends.get(release.id, inf)
        since = [_edit(one) for one in reversed(edits) if release.started <= one.at < until]
        yield {**release.view(facts.outcome(release)), "env": since}


def _edit(entry: Entry) -> dict[str, Any]:
    return {"at": entry.at, "who": entry.who, "task": entry.task, "keys": entry.keys}


def _wanted(options: Options, at: int, who: str, now: int) -> bool:
    return at >= _from(options.since, now) and options.who.casefold() in who.casefold()


def _from(since: str, now: int) -> int:
    if since.endswith("s"):
        return now - int(since[:-1])
    return int(since or 0)


def _number(options: Options) -> int | None:
    """How many are shown; None: all."""
    if options.number is None:
        return None if options.since else NUMBER
    return options.number
