"""History: the records of a server's releases, also those of runs that failed or died."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from math import inf
from typing import Any

from ...model.deploy.preflight import unreadable
from ...model.errors import refused
from ...model.facts import Facts
from ...model.journal import Entry
from ...model.release import Done, Release
from ...remote import journal, state
from ...remote.look import look
from ..session import Session

LAST = "last"
"""The newest release, however it ended."""


def history(session: Session, name: str, number: int, show: str, *, as_json: bool) -> None:
    """The last releases of a server, newest first; with ``show``, one whole record."""
    facts = look(session.host(name))
    if show:
        _show_one(session, name, _find(name, facts, show), facts, as_json)
        return
    newest = list(reversed(facts.releases))[:number]
    changes = [one for one in journal.read(session.host(name)) if one.keys]
    if as_json:
        session.console.result(list(_views(facts, newest, changes)))
        return
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
    session.console.table(name, ("release", "outcome", "took", "who", "what"), rows)
    edits = [
        (_time(edit.at), edit.task, edit.who, ", ".join(edit.keys))
        for edit in reversed(changes[-number:])
    ]
    if edits:
        session.console.table(f"{name}: .env", ("when", "task", "who", "keys"), edits)
    for text in unreadable(facts):
        session.console.warn(name, text)


def _views(
    facts: Facts, newest: Sequence[Release], changes: Sequence[Entry]
) -> Iterator[dict[str, Any]]:
    """Each release with the changes of ``.env`` since it began, up to the next one."""
    until: float = inf
    for release in newest:
        since = [_edit(one) for one in reversed(changes) if release.started <= one.at < until]
        yield {**release.view(facts.outcome(release)), "env": since}
        until = release.started


def _edit(entry: Entry) -> dict[str, Any]:
    return {"at": entry.at, "who": entry.who, "task": entry.task, "keys": entry.keys}


def _find(name: str, facts: Facts, wanted: str) -> Release:
    """The newest release that is meant: ``last``, or the start of an id or of a commit."""
    for release in reversed(facts.releases):
        if wanted == LAST or release.id.startswith(wanted) or release.commit.startswith(wanted):
            return release
    raise refused(f"{name}: no release '{wanted}'; fab {name}.history lists them")


def _show_one(session: Session, name: str, release: Release, facts: Facts, as_json: bool) -> None:
    console = session.console
    if as_json:
        record = {**asdict(release), "outcome": facts.outcome(release)}
        for private in ("env", "env_salt", "beside", "meanings"):
            del record[private]
        console.result(record)
        return
    begun = _time(release.started)
    for label, value in (
        ("release", release.id),
        ("outcome", facts.outcome(release)),
        ("commit", f"{release.commit} {release.subject}"),
        ("back to", release.back_to),
        ("engine", release.engine),
        ("compose", release.compose),
        ("begun", f"{begun} by {release.who}"),
        ("schema", release.schema),
        ("backup", release.backup),
        ("waived", ", ".join(release.waived)),
        ("error", release.error),
    ):
        if value:
            console.line(name, f"{label}: {value}")
    _section(session, name, "evidence", release.evidence)
    _section(session, name, "plan", release.plan)
    _section(session, name, "steps", [_done(done) for done in release.steps])
    _section(session, name, "gates", [_done(done) for done in release.gates])
    log = state.read_log(session.host(name), release).split("\n")[:-1]
    _section(session, name, "log", log)


def _time(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def _section(session: Session, name: str, title: str, lines: Sequence[str]) -> None:
    if lines:
        session.console.line(name, title, "bold")
    for line in lines:
        session.console.line(name, f"  {line}")


def _done(done: Done) -> str:
    note = f" ({done.note})" if done.note else ""
    return f"{done.outcome}: {done.title} {done.seconds:g}s{note}"
