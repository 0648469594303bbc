"""docs/faults.md: the whole matrix with the last result of each cell, whenever it was played."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.lab.matrix import Result, Row, matrix, merged, table
from tests.lab.matrix_plan import rows

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / ".faults.jsonl"
"""A line for each cell that was played in this checkout."""
KEPT = ROOT / "docs/faults.json"
PAGE = ROOT / "docs/faults.md"
BEGIN, END = "<!-- matrix -->\n", "<!-- /matrix -->\n"


def write() -> str:
    """Bring what was played here into the page; how much of the matrix is there now."""
    found = merged(kept(), _played(), rows())
    KEPT.write_text("[\n" + ",\n".join(json.dumps(one) for one in found) + "\n]\n")
    before, _, rest = PAGE.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}{shown(found)}{END}{after}")
    return counted(found, rows())


def shown(results: Sequence[Result]) -> str:
    """What stands on the page between the marks."""
    return f"{counted(results, rows())}\n\n{table(rows(), results)}\n"


def counted(results: Sequence[Result], steps: Sequence[Row]) -> str:
    """How many cells there are, were played and passed, and what that proves."""
    passed = [one for one in results if one["passed"]]
    written = sum(one["rows"] for one in passed)
    asked = sum(one["asked"] for one in passed)
    return (
        f"{len(passed)} of {len(matrix(steps))} cells passed,"
        f" {len(results) - len(passed)} failed; {asked} questions, {written} rows written,"
        " none of them lost."
    )


def kept() -> list[dict[str, Any]]:
    """The last result of each cell that the page shows."""
    found: list[dict[str, Any]] = json.loads(KEPT.read_text()) if KEPT.exists() else []
    return found


def _played() -> list[dict[str, Any]]:
    lines = RESULTS.read_text().splitlines() if RESULTS.exists() else []
    return [json.loads(line) for line in lines]
