"""Memory: what does not fit beside what runs is refused before anything is touched."""

from __future__ import annotations

import json

import pytest

from .fakes.application import UBUNTU
from .fakes.fleet import Fleet

MIB = 1 << 20
REMEDY = (
    "and 128 MiB must stay: more memory, fewer replicas, a smaller reservation, or"
    " x-deploy.api.update: {order: stop-first}, which has a gap; parallelism does not help"
)


@pytest.fixture
def greedy(running: Fleet) -> Fleet:
    """A commit whose replicas each reserve 1 GiB waits to be deployed."""
    model = json.loads(json.dumps(UBUNTU))
    reserved = {"reservations": {"memory": str(1024 * MIB)}}
    model["services"]["api"]["deploy"]["resources"] = reserved
    running.origin.commit("Greedy", {"compose/ubuntu.yml": json.dumps(model)})
    running.forget()
    return running


def available(fleet: Fleet, mib: int) -> None:
    fleet.ubuntu.memory = f"MemAvailable: {mib << 10} kB\n"


@pytest.mark.parametrize("line", ["ubuntu.deploy", "ubuntu.plan"])
def test_what_does_not_fit_beside_what_runs_is_refused_with_the_remedy(
    greedy: Fleet, line: str
) -> None:
    available(greedy, 2048 + 127)
    with greedy.untouched():
        ran = greedy.fab(line)
    assert ran.code == 2
    said = "2 new of api take about 2048 MiB beside those that run, 2175 MiB are available, "
    assert ran.error == f"ubuntu: memory: {said}{REMEDY}"


def test_what_fits_is_deployed(greedy: Fleet) -> None:
    available(greedy, 2048 + 128)
    assert greedy.fab("ubuntu.deploy").code == 0


def test_what_replicas_have_now_counts_too(running: Fleet) -> None:
    running.origin.commit("Second", {"services/api/app.py": "x\n"})
    available(running, 700)
    one = running.ubuntu.engine.containers["app-api-1"]
    running.ubuntu.memory += f"/sys/fs/cgroup/docker/{one.id}/memory.stat {300 * MIB}\n"
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 2
    assert "2 new of api take about 600 MiB beside those that run, 700 MiB are" in ran.error
