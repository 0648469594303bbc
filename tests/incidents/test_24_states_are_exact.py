"""The word unhealthy matched the word healthy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.lab.full import full
from tests.lab.scenes import FRONTEND, Scene

if TYPE_CHECKING:
    from tests.incidents.stories import Sick

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged", "tests.incidents.stories")


def test_unhealthy_is_not_healthy(sick: Sick) -> None:
    """The body holds the letters of what is expected, and the gate is red."""
    line = next(line for line in sick.ubuntu.evidence if line.startswith("probe:core-api-1: "))
    assert "healthy" in line.partition(', expected "healthy"')[0]
    assert sick.ubuntu.code == 1


@full
def test_up_and_paused_is_not_running(scene: Scene) -> None:
    """The engine lists it among those that run, as "Up 2 minutes (Paused)"."""
    scene.ubuntu.must(["docker", "pause", f"wishwithme-{FRONTEND}"])
    try:
        assert f"wishwithme-{FRONTEND}" in scene.by_hand("docker ps --format '{{.Names}}'")
        ran = scene.operator.fab("ubuntu.health", "--json")
    finally:
        scene.ubuntu.must(["docker", "unpause", f"wishwithme-{FRONTEND}"])
    assert ran.code == 1
    gates = {gate["gate"]: gate for gate in json.loads(ran.out)}
    assert gates["probe:frontend"]["ok"] is False
    assert gates["probe:frontend"]["why"] == f"container wishwithme-{FRONTEND} is paused"
