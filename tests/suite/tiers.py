"""The tiers of the test suite, in the order in which ``scripts/test`` runs them.

Every tier is run, also after one failed, so that one run tells all. A tier that this machine cannot
run, or that holds no test yet, is skipped with the reason.
"""

from __future__ import annotations

import fcntl
import os
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from invoke import Exit

from . import judges
from .lab import LabRun
from .outcome import ROOT, Outcome, pytest, succeeds, summarise

Tier = Callable[[], Outcome]


def run(fast: bool) -> bool:
    """Run every tier, or all but the lab when ``fast``; tell whether nothing failed."""
    outcomes: list[Outcome] = []
    with _alone():
        for name, tier in _tiers(fast):
            print(f"\n==> {name}", flush=True)
            start = time.monotonic()
            outcomes.append(replace(tier(), tier=name, seconds=time.monotonic() - start))
    summarise(outcomes)
    return all(outcome.state != "FAILED" for outcome in outcomes)


def _tiers(fast: bool) -> Iterator[tuple[str, Tier]]:
    yield "lint", lint
    for folder in ("suite", "unit", "tasks", "stack", "workflows", "docs"):
        yield f"tests/{folder}", partial(pytest, f"tests/{folder}")
    for service in sorted(tests.parent for tests in ROOT.glob("services/*/tests")):
        yield f"services/{service.name}", partial(service_tests, service)
    if fast:
        for name in ("tests/lab", "tests/incidents"):
            yield name, partial(Outcome, idle="--fast leaves the lab out")
    else:
        yield from LabRun().tiers()


def lint() -> Outcome:
    """Ask every judge and print what each found."""
    guilty = []
    for verdict in judges.verdicts():
        print(verdict, flush=True)
        if verdict.findings:
            print(textwrap.indent(verdict.findings, "    "), flush=True)
            guilty.append(verdict.judge)
    return Outcome(problem=f"findings of {', '.join(guilty)}" if guilty else "")


def service_tests(service: Path) -> Outcome:
    """Run one service's tests in an environment of its own, made from its locked requirements."""
    environment = f".venv-services/{service.name}"
    locked = service.relative_to(ROOT) / "requirements-dev.txt"
    if not succeeds("scripts/setup", environment, str(locked)):
        return Outcome(problem=f"scripts/setup could not make {environment}")
    return pytest("tests", service, ROOT / environment / "bin/python")


@contextmanager
def _alone() -> Iterator[None]:
    """Refuse a second run in this checkout; the lock ends with this process, however that ends."""
    with (ROOT / ".test.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise Exit(f"test: another run is under way here (process {lock.read()})", 2) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
