"""A replica that the kernel kills for its memory: nobody notices, and it is told."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

from tests.lab.full import full
from tests.lab.rig.output import wait_until
from tests.lab.scenes import APP, Scene, ending
from tests.names import API

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

REPLICA = "wishwithme-core-api-1"
LIMIT = "docker update --memory 200m --memory-swap 200m"
FIRST = f"docker exec {REPLICA} sh -c 'echo 1000 >/proc/1/oom_score_adj'"
"""The kernel takes the service itself before whoever uses up the rest."""
HOG = f"docker exec {REPLICA} python -c 'held = bytearray(300 << 20)'"


def started(scene: Scene) -> tuple[int, str]:
    """How often the replica was started again, and when it was last."""
    (box,) = json.loads(scene.ubuntu.must(["docker", "inspect", REPLICA]))
    return box["RestartCount"], box["State"]["StartedAt"]


def answered(scene: Scene, until: Callable[[], bool], what: str) -> set[int]:
    """How the API answers meanwhile, asked through the proxy and down to the database."""
    statuses = set()

    def asked() -> bool:
        statuses.add(scene.get(API, "/healthz")[0])
        return until()

    wait_until(asked, what, 60)
    return statuses


@full
def test_one_that_ran_out_of_memory_is_back_by_itself_and_the_site_was_never_away(
    scene: Scene,
) -> None:
    times, before = started(scene)
    scene.by_hand(f"{LIMIT} {REPLICA}")
    scene.by_hand(FIRST)
    hog = scene.ubuntu.exec(["sh", "-c", HOG])
    assert hog.returncode != 0, hog
    again = answered(scene, lambda: started(scene)[1] != before, "it is started again")
    healthy = lambda: scene.boxes()["core-api-1"].health == "healthy"  # noqa: E731
    assert again | answered(scene, healthy, "it is healthy") == {200}
    scene.proves()
    told = scene.operator.json("ubuntu.status")["ubuntu"]
    assert told["problems"] == []
    (api,) = [one for one in told["services"] if one["service"] == "core-api"]
    assert api["restarts"] == times + 1
    scene.deployed(scene.change("After it ran out", {APP: ending(f"MEMORY = {time.time_ns()}")}))
