"""One release, as its record tells it: the plan, the steps, the gates and the log."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from ...model.errors import Trouble, refused
from ...model.facts import Facts
from ...model.release import Done, Release
from ...remote import state
from ..session import Session

LAST = "last"
"""The newest release, however it ended."""


def show(
    session: Session, seen: Mapping[str, Facts], wanted: str, *, as_json: bool, as_list: bool
) -> None:
    """The whole record, of each server that has it; exit code 2 where none has."""
    found, troubles = {}, []
    for name, facts in seen.items():
        try:
            found[name] = find(name, facts, wanted)
        except Trouble as trouble:
            troubles.append(trouble)
    if not found:
        raise troubles[0]
    if as_json:
        records = [_record(release, seen[name]) for name, release in found.items()]
        session.console.result(records if as_list else records[0])
        return
    for name, release in found.items():
        _tell(session, name, release, seen[name])


def find(name: str, facts: Facts, wanted: str) -> Release:
    """The newest release that is meant: ``last``, or the start of an id or of a commit."""
    for release in reversed(facts.releases):
        if wanted == LAST or release.id.startswith(wanted) or release.commit.startswith(wanted):
            return release
    raise refused(f"{name}: no release '{wanted}'; fab {name}.history lists them")


def time_of(seconds: int) -> str:
    """A time as a person reads it."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def _record(release: Release, facts: Facts) -> dict[str, object]:
    record = {**asdict(release), "outcome": facts.outcome(release)}
    for private in ("env", "env_salt", "beside", "meanings"):
        del record[private]
    return record


def _tell(session: Session, name: str, release: Release, facts: Facts) -> None:
    for label, value in (
        ("release", release.id),
        ("outcome", facts.outcome(release)),
        ("commit", f"{release.commit} {release.subject}"),
        ("back to", release.back_to),
        ("engine", release.engine),
        ("compose", release.compose),
        ("begun", f"{time_of(release.started)} by {release.who}"),
        ("schema", release.schema),
        ("backup", release.backup),
        ("waived", ", ".join(release.waived)),
        ("error", release.error),
    ):
        if value:
            session.console.line(name, f"{label}: {value}")
    _section(session, name, "evidence", release.evidence)
    _section(session, name, "plan", release.plan)
    _section(session, name, "steps", [_done(done) for done in release.steps])
    _section(session, name, "gates", [_done(done) for done in release.gates])
    log = state.read_log(session.host(name), release).split("\n")[:-1]
    _section(session, name, "log", log)


def _section(session: Session, name: str, title: str, lines: Sequence[str]) -> None:
    if lines:
        session.console.line(name, title, "bold")
    for line in lines:
        session.console.line(name, f"  {line}")


def _done(done: Done) -> str:
    note = f" ({done.note})" if done.note else ""
    return f"{done.outcome}: {done.title} {done.seconds:g}s{note}"
