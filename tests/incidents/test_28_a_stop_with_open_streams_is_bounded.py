"""One open SSE stream, and `docker stop` took 10 s and ended in SIGKILL."""

from __future__ import annotations

import time

from tests.lab.onlooking import followed, streams_on
from tests.lab.scenes import Scene

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


def test_a_replica_with_ten_open_streams_stops_in_time_and_cleanly(scene: Scene) -> None:
    with followed(scene, [f"10.98.1.{number}" for number in range(1, 11)]) as onlooking:
        replica = max(streams_on(scene).items(), key=lambda found: found[1])[0]
        assert streams_on(scene)[replica] >= 10
        name = f"wishwithme-{replica}"
        grace = scene.by_hand(f"docker inspect -f '{{{{.Config.StopTimeout}}}}' {name}")
        start = time.monotonic()
        scene.by_hand(f"docker stop {name}")
        took = time.monotonic() - start
        state = scene.by_hand(f"docker inspect -f '{{{{.State.ExitCode}}}}' {name}")
        scene.by_hand(f"docker start {name}")
    assert state.strip() == "0"
    assert took < int(grace)
    assert onlooking.complete, onlooking
    scene.by_hand("docker compose up -d --wait")
    scene.proves()
