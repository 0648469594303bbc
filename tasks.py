"""inv: tasks for people and CI that need no server. What acts on the servers is fab's business."""

from __future__ import annotations

import os

from invoke import Collection, Context, Exit, task

from benchmarks.tasks import ns as bench
from scripts.ci.tasks import ns as ci
from tests.lab import matrix_page
from tests.lab.rig.engines import SWAPPED
from tests.lab.rig.tasks import ns as lab
from tests.suite import tiers
from tests.suite.shard import parse_shard


@task(
    help={
        "fast": "leave the lab and the services' own tests out",
        "services": "only the judges and the services' own tests",
        "collection": "all but the services' own tests",
        "full": "also run mutants and the lab's long scenes, on swapped engines, and attack it",
        "shard": "i/n: with --full, only that part of the fault matrix",
    }
)
def test(
    _context: Context,
    fast: bool = False,
    services: bool = False,
    collection: bool = False,
    full: bool = False,
    shard: str = "",
) -> None:
    """Run every tier of tests that this machine can run, and say what was left out and why."""
    if fast + services + collection + full > 1:
        raise Exit("test: --fast, --services, --collection and --full are four ways, not one", 2)
    if shard:
        _require_shard(full, shard)
        os.environ["TEST_SHARD"] = shard
    if full:
        os.environ["TEST_FULL"] = "yes"
        os.environ["TEST_MALLORY"] = "yes"
        os.environ[SWAPPED] = "swapped"
    only = "services" if services else "collection" if collection else ""
    if not tiers.run(fast, only):
        raise Exit(code=1)


def _require_shard(full: bool, shard: str) -> None:
    try:
        parse_shard(shard)
    except ValueError as error:
        raise Exit(f"test: {error}", 2) from None
    if not full:
        raise Exit("test: --shard is a part of --full", 2)


@task
def faults(_context: Context) -> None:
    """Bring what was played of the fault matrix into docs/faults.md."""
    print(matrix_page.write())


@task
def lint(_context: Context) -> None:
    """Ask every judge: ruff, mypy, the floors, shell, YAML, compose, Dockerfiles, nginx."""
    if tiers.lint().problem:
        raise Exit(code=1)


ns = Collection(test, lint, faults, lab, ci, bench)
