"""What the servers use and what happened there, of one and of all; a command on all of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.deployments import SERVERS
from tests.lab.full import full
from tests.lab.scenes import Scene

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

RUNS = "core-api-1"


@full
@pytest.mark.parametrize(
    ("of_all", "of_one"),
    [("stats", "ubuntu.stats"), ("top", "ubuntu.top"), ("network", "ubuntu.network")],
)
def test_one_server_is_told_as_it_is_among_all(scene: Scene, of_all: str, of_one: str) -> None:
    every: dict[str, list[dict[str, Any]]] = scene.operator.json(of_all)
    one = scene.operator.json(of_one)
    assert (sorted(every), list(one)) == (sorted(SERVERS), ["ubuntu"])
    for rows in (every["ubuntu"], one["ubuntu"]):
        assert any(str(row["container"]).endswith(RUNS) for row in rows), rows


@full
def test_disks_are_told_with_what_frees_them(scene: Scene) -> None:
    shown = scene.operator.must("ubuntu.disk").out
    assert "fab ubuntu.prune" in shown
    assert set(scene.operator.json("disk")) == set(SERVERS)


@full
def test_events_tell_that_a_container_was_restarted(scene: Scene) -> None:
    scene.ubuntu.must(["docker", "restart", "wishwithme-frontend-1"])
    for task in ("events", "ubuntu.events"):
        shown = scene.operator.must(task, "--since", "10m").out
        assert any("frontend-1" in line and "start" in line for line in shown.splitlines()), shown


@full
def test_a_command_runs_on_both(scene: Scene) -> None:
    lines = scene.operator.must("run", "cat /etc/hostname").out.splitlines()
    assert sorted(line.partition("]")[0] for line in lines) == ["[montreal", "[ubuntu"]


@full
def test_the_history_of_both_names_what_was_deployed(scene: Scene) -> None:
    found = scene.operator.json("history")
    assert {release["server"] for release in found} == set(SERVERS)
    assert scene.runs in {release["commit"] for release in found}
