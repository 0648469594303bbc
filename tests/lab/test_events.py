"""Events: each client of a stream sees each of them exactly once, whichever replica it follows."""

from __future__ import annotations

from tests.lab.onlooking import followed, replicas_of
from tests.lab.rig.output import wait_until
from tests.lab.scenes import REPLICAS, Scene

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

# The proxy looks at the first three numbers of an address, so these two follow different replicas.
ONE, OTHER = "10.98.1.1", "10.98.2.1"


def test_clients_of_both_replicas_see_every_event_also_after_redis_restarted(scene: Scene) -> None:
    with followed(scene, [ONE, OTHER]) as onlooking:
        scene.by_hand("docker restart wishwithme-redis")
        wait_until(lambda: scene.boxes()["redis"].health == "healthy", "Redis is healthy", 30)
        scene.proves()
    assert onlooking.complete, onlooking
    assert onlooking.report["made"] > 0
    boxes = scene.boxes()
    asked = [replicas_of(scene, client, onlooking.since) for client in (ONE, OTHER)]
    assert sorted(map(len, asked)) == [1, 1]
    assert set.union(*asked) == {boxes[name].address for name in REPLICAS}
