"""The tiers of the test suite, in the order in which ``scripts/test`` runs them.

Every tier is run, also after one failed, so that one run tells all. What this machine cannot run,
and a tier that holds no test yet, is skipped with the reason. Under CI, which the environment
variable ``CI`` says, it has failed.
"""

from __future__ import annotations

import fcntl
import os
import textwrap
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from invoke import Exit

from . import judges, mutants
from .lab import TIER, LabRun
from .outcome import ROOT, Outcome, pytest, summarise, under_ci
from .outcome import run as program

Tier = tuple[str, Callable[[], Outcome]]


def run(fast: bool, only: str = "") -> bool:
    """Run every tier, or the fast ones alone; tell whether nothing failed.

    ``only``: of these the ones about the sample's ``services``, or about the ``collection``; the
    judges read the files of both.
    """
    with _alone():
        outcomes = [_live(("lint", lint))]
        outcomes += _of_services() if only == "services" else _of_all(fast, only != "collection")
    summarise(outcomes)
    return all(outcome.state != "FAILED" for outcome in outcomes)


def _of_services() -> list[Outcome]:
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return [*map(_shown, pool.map(_timed, _services()))]


def _of_all(fast: bool, with_services: bool) -> list[Outcome]:
    lab = LabRun()
    first: list[Tier] = [] if fast else [("engine", lab.engine)]
    outcomes = [*map(_live, first)]
    longest, *others = _fast()
    slow: list[Tier] = [] if fast else [("lab.up", lab.up)]
    services: list[Tier] = [*_services()] if with_services and not fast else []
    # What takes longest begins first: at the end nobody waits for it alone.
    side_by_side = [*slow, longest, *services, *others]
    with ThreadPoolExecutor(max_workers=(os.cpu_count() or 1) + len(first)) as pool:
        outcomes += map(_shown, pool.map(_timed, side_by_side))
    if "TEST_FULL" in os.environ:
        outcomes.append(_shown(_timed((mutants.TIER, mutants.run_sample))))
    outcomes += map(_live, _left_out() if fast else lab.tiers())
    return outcomes


def _services() -> Iterator[Tier]:
    """Each service's own tests, with what it needs: a database, a browser, a build."""
    for service in sorted(tests.parent for tests in ROOT.glob("services/*/tests")):
        yield f"services/{service.name}", partial(service_tests, service)


def _fast() -> Iterator[Tier]:
    """The collection's tests that need no server, the longest first."""
    for folder in ("tasks", "unit", "suite", "stack", "edge", "package", "workflows", "docs"):
        yield f"tests/{folder}", partial(pytest, f"tests/{folder}")


def _left_out() -> Iterator[Tier]:
    for name, _ in _services():
        yield name, partial(Outcome, idle="--fast leaves the services' own tests out")
    yield TIER, partial(Outcome, idle="--fast leaves the lab out")


def _timed(tier: Tier) -> Outcome:
    name, work = tier
    start = time.monotonic()
    return replace(work(), tier=name, seconds=time.monotonic() - start)


def _live(tier: Tier) -> Outcome:
    print(f"\n==> {tier[0]}", flush=True)
    return _timed(tier)


def _shown(outcome: Outcome) -> Outcome:
    print(f"\n==> {outcome.tier}\n{outcome.output}", end="", flush=True)
    return outcome


def lint() -> Outcome:
    """Ask every judge and print what each found."""
    guilty, idle = [], []
    for verdict in judges.verdicts():
        print(verdict, flush=True)
        if verdict.findings:
            print(textwrap.indent(verdict.findings, "    "), flush=True)
            guilty.append(verdict.judge)
        if verdict.idle:
            idle.append(verdict.judge)
    problems = [f"findings of {', '.join(guilty)}"] if guilty else []
    problems += [f"nothing to judge for {', '.join(idle)}"] if idle and under_ci() else []
    return Outcome(problem="; ".join(problems))


def service_tests(service: Path) -> Outcome:
    """Run one service's tests in an environment of its own, made from its locked requirements."""
    environment = f".venv-services/{service.name}"
    locked = service.relative_to(ROOT) / "requirements-dev.txt"
    status, output = program("scripts/setup", environment, str(locked))
    if status:
        return Outcome(problem=f"scripts/setup could not make {environment}", output=output)
    return pytest("tests", folder=service, python=ROOT / environment / "bin/python")


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
