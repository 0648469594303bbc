"""Somebody types `docker compose up -d` while old and new replicas stand beside each other.

It costs no more requests than the same by hand at rest, where it replaces the replicas too; the run
ends with the truth, and the next command makes all uniform.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.alone import alone
from tests.lab.deployments import Ran, ended
from tests.lab.full import full
from tests.lab.load import Load, loaded
from tests.lab.rig.output import wait_until
from tests.lab.rig.plugin import newest_compose, on_linux
from tests.lab.scenes import APP, Scene, ending

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

WATCH = 15
"""Seconds that the deploy watches: longer than somebody takes to type, and compose to decide."""
PATIENCE = 240
CURRENT = "wishwithme/core-api:current"


def replicas(scene: Scene) -> set[str]:
    """The running containers of core-api, by the start of their ids."""
    boxes = scene.boxes().values()
    return {box.id[:12] for box in boxes if (box.service, box.state) == ("core-api", "running")}


def pinned(scene: Scene) -> set[str]:
    """The replicas of core-api that the proxy names one by one."""
    url = f"http://{scene.boxes()['nginx'].address}:8090/pinned"
    said = scene.ubuntu.exec(["curl", "-sf", url]).stdout
    rows = [row.split() for row in said.split(";")]
    return {one for service, *ids in filter(None, rows) if service == "core-api" for one in ids}


def at_rest(scene: Scene) -> Load:
    """What the same costs by hand at rest: the name in the compose file means another image."""
    image = scene.image(CURRENT)
    other = next(one for one in images(scene) if one != image)
    with loaded(scene) as load:
        scene.by_hand(f"docker tag {other} {CURRENT} && docker compose up -d --wait")
    scene.by_hand(f"docker tag {image} {CURRENT}")
    scene.deployed(scene.runs)
    return load


def images(scene: Scene) -> list[str]:
    """Every image of core-api, newest first."""
    return scene.by_hand("docker image ls -q --no-trunc wishwithme/core-api").split()


def meanwhile(scene: Scene, inventory: Path, phase: Callable[[set[str]], bool]) -> tuple[Ran, Load]:
    """A deploy of another API, and somebody's compose once ``phase`` is true of who served."""
    commit = scene.change("Another API", {APP: ending(f"MEANWHILE = {time.time_ns()}")})
    before = replicas(scene)
    with loaded(scene) as load:
        start = time.monotonic()
        running = scene.operator.start("ubuntu.deploy", "--ref", commit, hosts_ini=inventory)
        wait_until(lambda: running.poll() is not None or phase(before), "the phase", PATIENCE)
        scene.by_hand("docker compose up -d")
        ran = ended(running, start)
        wait_until(lambda: scene.get("api.wishwith.me", "/healthz")[0] == 200, "an answer", 60)
    scene.deployed(commit)
    return ran, load


def played(scene: Scene, folder: Path) -> None:
    """Before the switch and after it, and at rest to compare with."""
    inventory = scene.operator.inventory(folder, "ubuntu", watch=str(WATCH))
    rest = at_rest(scene)
    held, cost_held = meanwhile(
        scene, inventory, lambda old: pinned(scene) == old < replicas(scene)
    )
    switched, cost_switched = meanwhile(
        scene, inventory, lambda old: bool(pinned(scene)) and not pinned(scene) & old
    )
    print(f"at rest: {rest}\nheld: {cost_held}\n{held}\nswitched: {cost_switched}\n{switched}")
    assert held.code == 1, held
    assert len(cost_held.failed) <= len(rest.failed)
    assert len(cost_switched.failed) <= len(rest.failed)
    assert not [*rest.doubled, *cost_held.doubled, *cost_switched.doubled]


@full
@alone
def test_a_plain_up_in_the_middle_costs_no_more_than_at_rest(scene: Scene, tmp_path: Path) -> None:
    played(scene, tmp_path)


@full
@alone
@pytest.mark.skipif(not on_linux(), reason="no compose for a server in this environment")
def test_a_plain_up_of_the_newest_compose_costs_no_more_either(
    scene: Scene, tmp_path: Path
) -> None:
    with newest_compose(scene.ubuntu):
        scene.deployed(scene.runs)
        played(scene, tmp_path)
    scene.deployed(scene.runs)
