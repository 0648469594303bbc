"""The pages of figures: one section a benchmark, written anew by each run."""

from __future__ import annotations

import os
import re
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def told(figures: Sequence[float], digits: int = 1) -> str:
    """Median and range of what was measured several times."""
    middle, least, most = statistics.median(figures), min(figures), max(figures)
    return f"{middle:.{digits}f} ({least:.{digits}f} to {most:.{digits}f})"


def machine() -> str:
    """What this machine is, and how busy it was."""
    memory = Path("/proc/meminfo").read_text(encoding="ascii")
    found = re.search(r"MemTotal: +(\d+)", memory)
    total = int(found[1]) >> 20 if found else 0
    day = time.strftime("%Y-%m-%d", time.gmtime())
    load = os.getloadavg()[0]
    return (
        f"{day}, {os.cpu_count()} cores, {total} GiB, Linux {os.uname().release}, load {load:.1f}"
    )


def write(name: str, text: str) -> None:
    """Put a benchmark's figures into the page, in the place of its former ones."""
    start, end = f"<!-- {name}: written by inv bench.{name} -->", f"<!-- end of {name} -->"
    page = PAGE.read_text(encoding="utf-8")
    before, found, rest = page.partition(start)
    if not found or end not in rest:
        raise ValueError(f"{PAGE.name} has no section '{name}'")
    after = rest.partition(end)[2]
    PAGE.write_text(f"{before}{start}\n\n{text}\n\n{end}{after}", encoding="utf-8")
