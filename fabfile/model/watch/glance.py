"""A glance at a server: what runs there and whether it is well, for one line of many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ..framing import fields, rows, sections_of
from ..freeze import Freeze, parse_freeze
from ..maintenance import Maintenance, parse_maintenance
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
    told: Mapping[str, tuple[str, ...]]
    """The same, each in Docker's words: ``Up 3 hours (healthy)``."""
    answers: bool
    """Whether the engine does."""
    holder: str
    freeze: Freeze | None
    maintenance: Maintenance | None
    releases: tuple[Release, ...]
    """The last one, and the last one that passed where that is another; oldest first."""

    @property
    def runs(self) -> Release | None:
        """The last release that passed."""
        return next((one for one in reversed(self.releases) if one.passed), None)

    @property
    def _ended(self) -> str:
        """How the last deploy did, where it did not pass and nobody is at it; empty otherwise."""
        last = self.releases[-1] if self.releases else None
        if last is None or last.passed or self.holder:
            return ""
        return DIED if last.outcome == RUNNING else last.outcome

    def line(self) -> tuple[str, str]:
        """The verdict, and what runs with what is to be said of it."""
        wrong, notes = list(self._wrong()), list(self._notes())
        verdict = FAIL if wrong else WARN if notes else OK
        headline = [_headline(self.runs, self.containers)] if self.runs else []
        return verdict, "; ".join([*headline, *wrong, *notes])

    def rows(self) -> Iterator[str]:
        """Each service with how many containers it has and how they are, in Docker's words."""
        wide = max(map(len, self.told), default=0)
        for name, told in sorted(self.told.items()):
            number = f"{len(told)}x" if len(told) > 1 else ""
            yield f"{name:{wide}} {number:>3} {', '.join(dict.fromkeys(told))}"

    def _wrong(self) -> Iterator[str]:
        if not self.answers:
            yield "no Docker engine answers"
            return
        if self.runs is None:
            yield "nothing is deployed"
        if self._ended == DIED:
            yield f"the last deploy {DIED}"
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
        if self.maintenance:
            yield str(self.maintenance)
        if self._ended and self._ended != DIED:
            yield f"the last deploy {self._ended}"
        elif (
            self._ended != DIED
            and self.runs
            and self.head
            and not self.holder
            and self.head != self.runs.commit
        ):
            yield f"the checkout is at {self.head[:8]}"


def _headline(release: Release, containers: Mapping[str, tuple[str, ...]]) -> str:
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
    told: dict[str, tuple[str, ...]] = {}
    for state, status, service, one_off in rows(text, 4) if answers else []:
        if service and one_off == "False":
            found[service] = (*found.get(service, ()), _told(state, status))
            told[service] = (*told.get(service, ()), status)
    records = reversed(fields(sections["releases"], 2))
    read = [(name, parse_release(record)) for name, record in records]
    return Glance(
        head=sections["head"].strip(),
        containers=found,
        told=told,
        answers=answers,
        holder=sections["holder"].strip(),
        freeze=parse_freeze(sections["frozen"]),
        maintenance=parse_maintenance(sections["maintenance"]),
        releases=tuple(made for name, made in read if made and made.id == name),
    )


def _told(state: str, status: str) -> str:
    """How a container is; empty: as it should be, or done."""
    if state == "running" and "(unhealthy)" not in status:
        return ""
    return "" if status.startswith(EXITED) else "unhealthy" if state == "running" else state
