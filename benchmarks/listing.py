"""The command line itself: how long ``fab --list`` takes beside that of a fabfile with one task."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from . import report

ROOT = Path(__file__).parent.parent
FAB = Path(sys.executable).with_name("fab")
TIMES = 20
EMPTY = '''from invoke import task


@task
def nothing(context):
    """Do nothing."""
'''


def run() -> None:
    """Measure, and write the section of the page."""
    ours: list[float] = []
    others: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "fabfile.py").write_text(EMPTY, encoding="utf-8")
        for _ in range(TIMES):
            ours.append(seconds(ROOT))
            others.append(seconds(Path(folder)))
    ratio = statistics.median(ours) / statistics.median(others)
    rows = [
        ["`fab --list` here", f"{report.told(ours, 2)} s", f"{ratio:.2f} times as long"],
        ["`fab --list` of a fabfile with one task", f"{report.told(others, 2)} s", ""],
    ]
    text = f"{report.machine()}. Median of {TIMES} (range), by turns.\n\n"
    report.write("listing", text + report.table(("what", "measured", "beside"), rows))


def seconds(folder: Path) -> float:
    """How long the list of a folder's tasks takes."""
    start = time.monotonic()
    subprocess.run([FAB, "--list"], cwd=folder, capture_output=True, check=True)
    return time.monotonic() - start
