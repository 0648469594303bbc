"""What was measured of four tools, and the tables that tell it. Nothing is measured here."""

from __future__ import annotations

import re
import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .report import table, told
from .road import Traffic

KINDS = ("no change", "one service", "rollback")
NEAR, FAR = "0 ms", "100 ms"
COMMIT = re.compile(r" [0-9a-f]{8}$")


@dataclass
class Lost:
    """What became of the requests of all rounds together."""

    failed: int = 0
    sent: int = 0
    doubled: int = 0
    """POSTs that were executed twice."""

    def __str__(self) -> str:
        twice = f", {self.doubled} executed twice" if self.doubled else ""
        return f"{self.failed} of {self.sent}{twice}"


@dataclass
class Figures:
    """Everything that was measured."""

    seconds: dict[tuple[str, str, str], list[float]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """By tool, kind and way."""
    traffic: dict[tuple[str, str], list[Traffic]] = field(default_factory=lambda: defaultdict(list))
    """By tool and kind."""
    lost: dict[tuple[str, str], Lost] = field(default_factory=lambda: defaultdict(Lost))
    """By tool and kind."""
    away: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """By tool: seconds after its end until the API answers."""
    steps: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    """Seconds of the steps of our own deploys of one service, by title and way."""

    def add_steps(self, way: str, done: Sequence[Mapping[str, Any]]) -> None:
        """Those of one record; the name of its commit is no part of a step's title here."""
        for step in done:
            title = COMMIT.sub("", step["title"])
            self.steps[title, way].append(step["seconds"])

    def middle(self, tool: str, kind: str, way: str) -> float:
        """The median of the seconds."""
        return statistics.median(self.seconds[tool, kind, way])


def times(figures: Figures, tools: Sequence[str]) -> str:
    """Seconds of every kind, near and far."""
    columns = ["seconds", *(f"{kind}, {way}" for kind in KINDS for way in (NEAR, FAR))]
    rows = [
        [tool, *(told(figures.seconds[tool, kind, way]) for kind in KINDS for way in (NEAR, FAR))]
        for tool in tools
    ]
    return table(columns, rows)


def requests(figures: Figures, tools: Sequence[str], trip: float) -> str:
    """What each asks of sshd, and how often it waits for the way; ``trip``: its milliseconds."""
    columns = ["sessions on connections; trips waited for", *KINDS]
    rows = []
    for tool in tools:
        asked = [
            f"{_usual(figures, tool, kind)}; {trips(figures, tool, kind, trip):.0f}"
            for kind in KINDS
        ]
        rows.append([tool, *asked])
    return table(columns, rows)


def trips(figures: Figures, tool: str, kind: str, trip: float) -> float:
    """How many round trips one after the other explain what the way adds."""
    added = figures.middle(tool, kind, FAR) - figures.middle(tool, kind, NEAR)
    return max(added, 0) * 1000 / trip


def _usual(figures: Figures, tool: str, kind: str) -> Traffic:
    """What was counted most: the waits of a tool may ask once more."""
    return statistics.mode(figures.traffic[tool, kind])


def failures(figures: Figures, checks: Mapping[str, Sequence[str]]) -> str:
    """Requests that failed, beside what each tool makes sure of."""
    loaded = KINDS[1:]
    failed = [f"failed, {kind}" for kind in loaded]
    columns = ["", *failed, "API away after its end", "proves", "lock", "way back"]
    rows = []
    for tool, said in checks.items():
        lost = [str(figures.lost[tool, kind]) for kind in loaded]
        rows.append([tool, *lost, f"{max(figures.away[tool]):.1f} s at most", *said])
    return table(columns, rows)


def steps(figures: Figures, ours: str) -> str:
    """Where the seconds of our own deploy of one service go."""
    titles = list(dict.fromkeys(title for title, _ in figures.steps))
    rows = [[title, *_step(figures, title)] for title in titles]
    rest = [
        figures.middle(ours, KINDS[1], way)
        - sum(statistics.median(figures.steps[title, way]) for title in titles)
        for way in (NEAR, FAR)
    ]
    rows.append(["before, between and after them", *(f"{seconds:.1f}" for seconds in rest)])
    return table([f"{ours} of one service, seconds", NEAR, FAR], rows)


def _step(figures: Figures, title: str) -> Iterator[str]:
    for way in (NEAR, FAR):
        yield f"{statistics.median(figures.steps[title, way]):.1f}"
