"""A glance at a server: what runs there and whether it is well, for one line of many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ..framing import fields, rows, sections_of
from ..freeze import Freeze, parse_freeze
from ..release import DIED, RUNNING, Release, parse_release
from .checks import FAIL, OK, WARN

SHOWN = 3
"""Services that are named of those that are not well."""
EXITED = "Exited (0)"
"""How Docker begins to tell of a container that has done what it was started for."""


@dataclass(frozen=True)
class Glance:
    """The answer of ``remote/watch/glance.sh``."""

    head: str
    containers: Mapping[str, tuple[str, ...]]
    """Service → how each of its containers is, in Docker's words; empty: it is well."""
    answers: bool
    """Whether the engine does."""
    holder: str
    freeze: Freeze | None
    releases: tuple[Release, ...]
    """The last one, and the last one that passed where that is another; oldest first."""

    @property
    def runs(self) -> Release | None:
        """The last release that passed."""
        return next((one for one in reversed(self.releases) if one.passed), None)

    def line(self) -> tuple[str, str]:
        """The verdict, and what runs with what is to be said of it."""
        wrong, notes = list(self._wrong()), list(self._notes())
        verdict = FAIL if wrong else WARN if notes else OK
        return verdict, "; ".join([_headline(self.runs, self.containers), *wrong, *notes])

    def _wrong(self) -> Iterator[str]:
        if not self.answers:
            yield "no Docker engine answers"
            return
        services = self.runs.definitions if self.runs else {}
        bad = [
            f"{name}: {next(filter(None, found), 'no container')}"
            for name in sorted(services)
            if not (found := self.containers.get(name, ())) or any(found)
        ]
        more = f" and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
        if bad:
            yield f"not well: {', '.join(bad[:SHOWN])}{more}"

    def _notes(self) -> Iterator[str]:
        if self.holder:
            yield f"a change is running: {self.holder}"
        if self.freeze:
            yield str(self.freeze)
        last = self.releases[-1] if self.releases else None
        if last and not last.passed and not self.holder:
            yield f"the last deploy {DIED if last.outcome == RUNNING else last.outcome}"
        elif self.runs and self.head and not self.holder and self.head != self.runs.commit:
            yield f"the checkout is at {self.head[:8]}"


def _headline(release: Release | None, containers: Mapping[str, tuple[str, ...]]) -> str:
    if release is None:
        return "no release yet"
    when = datetime.fromtimestamp(release.started, UTC).strftime("%Y-%m-%d %H:%M UTC")
    number = sum(map(len, containers.values()))
    what = f"{release.commit[:8]} {release.subject}"
    return f"{what} ({release.outcome} {when}), {number} containers"


def parse(output: str, mark: str) -> Glance:
    """Read the answer of ``remote/watch/glance.sh``; ValueError when it is none, or not whole."""
    sections = sections_of(output, mark)
    text = sections["containers"].strip()
    answers = not text.endswith("error")
    found: dict[str, tuple[str, ...]] = {}
    for state, status, service, one_off in rows(text, 4) if answers else []:
        if service and one_off == "False":
            found[service] = (*found.get(service, ()), _told(state, status))
    records = reversed(fields(sections["releases"], 2))
    read = [(name, parse_release(record)) for name, record in records]
    return Glance(
        head=sections["head"].strip(),
        containers=found,
        answers=answers,
        holder=sections["holder"].strip(),
        freeze=parse_freeze(sections["frozen"]),
        releases=tuple(made for name, made in read if made and made.id == name),
    )


def _told(state: str, status: str) -> str:
    """How a container is; empty: as it should be, or done."""
    if state == "running" and "(unhealthy)" not in status:
        return ""
    return "" if status.startswith(EXITED) else "unhealthy" if state == "running" else state
