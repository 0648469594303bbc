"""The tables of a documentation page, by the heading that they stand below."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
CELL = re.compile(r"(?<!\\)\|")


def tables(page: str) -> dict[str, list[list[list[str]]]]:
    """Heading → its tables → their rows (without the head) → their cells, code marks taken off."""
    found: dict[str, list[list[list[str]]]] = {}
    heading, inside = "", False
    for line in (DOCS / page).read_text().splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        if not line.startswith("|"):
            inside = False
            continue
        below = found.setdefault(heading, [])
        if not inside:
            below.append([])
        inside = True
        below[-1].append([cell.strip().strip("`") for cell in CELL.split(line)[1:-1]])
    return {name: [rows[2:] for rows in below] for name, below in found.items()}


def first_column(page: str, heading: str, number: int = 0) -> list[str]:
    """The words in the first column of a table below a heading."""
    return [row[0] for row in tables(page)[heading][number]]
