"""Events: each client of a stream sees each of them exactly once, whichever twin it follows."""

from __future__ import annotations

import time

from tests.lab.onlooking import followed, streams_on, twin_of
from tests.lab.scenes import TWINS, Scene

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

# The proxy looks at the first three numbers of an address, so these two follow different twins.
ONE, OTHER = "10.98.1.1", "10.98.2.1"


def test_clients_of_both_twins_see_every_event_also_after_redis_restarted(scene: Scene) -> None:
    with followed(scene, [ONE, OTHER]) as onlooking:
        scene.by_hand("docker restart wishwithme-redis")
        scene.proves()
    assert onlooking.complete, onlooking
    assert onlooking.report["made"] > 0
    twins = {scene.boxes()[twin].address for twin in TWINS}
    followed_twins = [twin_of(scene, client) for client in (ONE, OTHER)]
    assert sorted(map(len, followed_twins)) == [1, 1]
    assert set.union(*followed_twins) == twins


def test_a_twin_with_ten_open_streams_stops_in_time_and_cleanly(scene: Scene) -> None:
    with followed(scene, [f"10.98.1.{number}" for number in range(1, 11)]) as onlooking:
        twin = max(streams_on(scene).items(), key=lambda found: found[1])[0]
        assert streams_on(scene)[twin] >= 10
        grace = scene.by_hand(f"docker inspect -f '{{{{.Config.StopTimeout}}}}' wishwithme-{twin}")
        start = time.monotonic()
        scene.by_hand(f"docker stop wishwithme-{twin}")
        took = time.monotonic() - start
        state = scene.by_hand(f"docker inspect -f '{{{{.State.ExitCode}}}}' wishwithme-{twin}")
        scene.by_hand(f"docker start wishwithme-{twin}")
    assert state.strip() == "0"
    assert took < int(grace)
    assert onlooking.complete, onlooking
    scene.by_hand("docker compose up -d --wait")
    scene.proves()
