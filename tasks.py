"""inv: tasks for people and CI that need no server. What acts on the servers is fab's business."""

from __future__ import annotations

import os

from invoke import Collection, Context, Exit, task

from benchmarks.tasks import ns as bench
from scripts.ci.tasks import ns as ci
from tests.lab.rig.tasks import ns as lab
from tests.suite import tiers


@task(
    help={
        "fast": "leave the lab and the services' own tests out",
        "full": "also run the scenes of the lab that take too long for every run",
    }
)
def test(_context: Context, fast: bool = False, full: bool = False) -> None:
    """Run every tier of tests that this machine can run, and say what was left out and why."""
    if full:
        os.environ["TEST_FULL"] = "yes"
    if not tiers.run(fast):
        raise Exit(code=1)


@task
def lint(_context: Context) -> None:
    """Ask every judge: ruff, mypy, the floors, shell, YAML, compose, Dockerfiles, nginx."""
    if tiers.lint().problem:
        raise Exit(code=1)


ns = Collection(test, lint, lab, ci, bench)
