"""The fault matrix as values: its rows and columns, which cells a run plays, and its table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fabfile.model.deploy.plan import Kind
from tests.suite.shard import parse_shard


class Fault(StrEnum):
    """What happens while the remote command of a step runs."""

    KILLED = "operator kill -9"
    CUT = "operator network cut"
    CTRL_C = "Ctrl-C"
    FAILS = "command fails"
    HANGS = "command hangs"
    REBOOT = "server reboot"
    ENGINE = "Docker restart"
    FULL = "disk full"
    UP = "up by hand"
    ANEW = "up --force-recreate by hand"
    SCALE = "up --scale by hand"
    RESTART = "docker restart by hand"


LOST = (Fault.KILLED, Fault.CUT)
"""The operator is gone; the command under way goes on."""
TOLD = (Fault.CTRL_C, Fault.FAILS, Fault.HANGS)
"""The operator is there, and the server too: the run itself must end well."""
STOPS = (Fault.REBOOT, Fault.ENGINE)
"""The fault itself stops what the server serves."""
BY_HAND = (Fault.UP, Fault.ANEW, Fault.SCALE, Fault.RESTART)
"""Somebody changes containers at the server's shell. It costs what it costs at rest too."""
BESIDE = (Kind.HOLD, Kind.START, Kind.SWITCH, Kind.RETIRE)
"""The steps that replace beside: the others know nothing that such a hand could disturb."""


@dataclass(frozen=True)
class Row:
    """A step of a deploy; of those that a commit names, without its name."""

    server: str
    kind: Kind
    subject: str = ""

    def __str__(self) -> str:
        return f"{self.server}: {self.kind.value} {self.subject}".rstrip()


@dataclass(frozen=True)
class Cell:
    """One fault at one step."""

    row: Row
    fault: Fault
    together: bool
    """``fab deploy`` of both servers, and again; else of this one, which then recovers."""

    def __str__(self) -> str:
        return f"{self.row}, {self.fault.value}"


def matrix(rows: Iterable[Row]) -> list[Cell]:
    """Every cell, row by row. In each row and each column every other one is of both servers."""
    return [
        Cell(row, fault, together=(down + right) % 2 == 0)
        for down, row in enumerate(rows)
        for right, fault in enumerate(Fault)
        if fault not in BY_HAND or row.kind in BESIDE
    ]


SAMPLE = {
    Kind.HOLD: Fault.KILLED,
    Kind.START: Fault.REBOOT,
    Kind.SWITCH: Fault.FULL,
}
"""Before the change, while new replicas come, and when requests move; each fault once."""


def sample(cells: Sequence[Cell]) -> list[Cell]:
    """A cell for each kind of :data:`SAMPLE`; of the server that comes last, which is the caller.

    The other kinds, and what people do by hand, are left to the whole matrix.
    """
    last = cells[-1].row.server
    wanted = [cell for cell in cells if SAMPLE.get(cell.row.kind) is cell.fault]
    return [cell for cell in wanted if cell.row.server == last]


def share(cells: Sequence[Cell], part: int, parts: int) -> list[Cell]:
    """Part ``part`` of ``parts`` (from 1): all parts together are all cells, each once."""
    return list(cells[part - 1 :: parts])


def chosen(cells: Sequence[Cell], *, full: bool, shard: str) -> list[Cell]:
    """What a run plays: the sample, the whole matrix, or a share of it."""
    if not full:
        return sample(cells)
    return share(cells, *parse_shard(shard or "1/1"))


Result = Mapping[str, Any]
"""What became of a cell: ``step`` and ``fault`` name it, ``passed`` judges it."""


def merged(old: Iterable[Result], new: Iterable[Result], rows: Sequence[Row]) -> list[Result]:
    """The last result of each cell that is still in the matrix, in its order."""
    last = {(one["step"], one["fault"]): one for one in (*old, *new)}
    keys = [(str(cell.row), cell.fault.value) for cell in matrix(rows)]
    return [last[key] for key in keys if key in last]


def table(rows: Sequence[Row], results: Iterable[Result]) -> str:
    """The matrix in Markdown: a row for each step, a column for each fault."""
    found = {(str(cell.row), cell.fault.value): "not run" for cell in matrix(rows)}
    found |= {(one["step"], one["fault"]): _shown(one) for one in results}
    lines = [f"| step | {' | '.join(Fault)} |", "|---" * (len(Fault) + 1) + "|"]
    for row in rows:
        cells = (found.get((str(row), fault.value), "") for fault in Fault)
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _shown(result: Result) -> str:
    """Exit code of the run (none when it was killed), then what made it uniform."""
    words = [f"{result['code']}" if result["code"] is not None else "killed", result["mended"]]
    if result["outage"]:
        words.append(f"{result['outage']:.0f} s")
    return " ".join(["" if result["passed"] else "**failed**", *words]).strip()
