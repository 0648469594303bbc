"""What became of a tier: counted from pytest's own report, shown in the closing table."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[2]
PYTHON = Path(sys.executable)
NO_TESTS_COLLECTED = 5
BY_CHOICE = "scripts/test --full runs it"
"""The one reason for a skipped test that is no lack of this machine."""


def under_ci() -> bool:
    """Whether all must run. A person's machine may lack something; in CI, green means tried."""
    return bool(os.environ.get("CI"))


@dataclass(frozen=True)
class Outcome:
    """What became of one tier. ``problem`` makes it failed, ``idle`` makes it skipped."""

    tier: str = ""
    passed: int = 0
    failed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    """How many tests were skipped for each reason."""
    problem: str = ""
    idle: str = ""
    seconds: float = 0.0
    output: str = field(default="", repr=False)
    """What it printed, where that was kept back because other tiers ran beside it."""

    @property
    def state(self) -> str:
        """The tier in one word."""
        return "FAILED" if self.failed or self.problem else "skipped" if self.idle else "passed"

    def lines(self) -> Iterator[str]:
        """The rows of the closing table, with every reason for what was left out."""
        counts = f"{self.passed} passed, {self.failed} failed, {self.skipped.total()} skipped"
        tests = self.passed + self.failed + self.skipped.total()
        detail = self.problem or self.idle or (counts if tests else "")
        yield f"  {self.tier:<22} {self.state:<8} {self.seconds:6.1f}s  {detail}"
        for reason, times in self.skipped.items():
            yield f"  {'':<22} skipped {times}: {reason}"


def pytest(
    *tests: str, folder: Path = ROOT, python: Path = PYTHON, live: bool = False, workers: int = 1
) -> Outcome:
    """Run the tests in some folders, a group at a time per worker, and count what became of them.

    Their temporary files stand apart from those of any other run on this machine: pytest's usual
    place is closed by each run that starts, also to a user that a test has let in.
    """
    if not any((folder / place).exists() for place in tests):
        return _without_tests(tests)
    with TemporaryDirectory() as scratch:
        report = Path(scratch, "report.xml")
        color = "--color=yes" if sys.stdout.isatty() else "--color=no"
        places = (f"--junitxml={report}", f"--basetemp={scratch}/tests")
        side_by_side = (
            (f"-n{workers}", "--dist=loadfile", "--no-loadscope-reorder", "-v")
            if workers > 1
            else ()
        )
        words = (str(python), "-m", "pytest", *tests, color, *side_by_side, *places)
        status, output = run(*words, folder=folder, live=live)
        counted = _count(ElementTree.parse(report).getroot()) if report.exists() else Outcome()
    if status == NO_TESTS_COLLECTED:
        return replace(_without_tests(tests), output=output)
    problem = _lack(counted) if status in (0, 1) else f"pytest ended with exit code {status}"
    return replace(counted, problem=problem, output=output)


def _without_tests(tests: Iterable[str]) -> Outcome:
    return (
        Outcome(problem=f"no tests in {', '.join(tests)}")
        if under_ci()
        else Outcome(idle="no tests yet")
    )


def _lack(counted: Outcome) -> str:
    """Under CI, how many tests this machine could not run; their reasons stand below the tier."""
    lacking = counted.skipped.total() - counted.skipped[BY_CHOICE]
    if not lacking or not under_ci():
        return ""
    return f"{lacking} tests cannot run here; under CI each must"


def run(*words: str, folder: Path = ROOT, live: bool = False) -> tuple[int, str]:
    """Run a program without input; returns its exit code and, unless it ran live, its output."""
    sink = None if live else subprocess.PIPE
    done = subprocess.run(
        words,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=sink,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout or ""


def _count(report: ElementTree.Element) -> Outcome:
    cases = list(report.iter("testcase"))
    failed = [
        case for case in cases if case.find("failure") is not None or case.find("error") is not None
    ]
    skips = [skip for case in cases if (skip := case.find("skipped")) is not None]
    return Outcome(
        passed=len(cases) - len(failed) - len(skips),
        failed=len(failed),
        skipped=Counter(skip.get("message", "no reason given") for skip in skips),
    )


def summarise(outcomes: Iterable[Outcome]) -> None:
    """Print the closing table and the sum of all tests, in pytest's plain words."""
    outcomes = tuple(outcomes)
    print("\nWhat became of the tiers:")
    for outcome in outcomes:
        print("\n".join(outcome.lines()))
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    skipped = sum(outcome.skipped.total() for outcome in outcomes)
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped", flush=True)
