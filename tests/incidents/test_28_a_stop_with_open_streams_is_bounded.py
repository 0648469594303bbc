"""One open SSE stream, and `docker stop` took 10 s and ended in SIGKILL."""

from __future__ import annotations

import time

from tests.lab.onlooking import followed, streams_on
from tests.lab.scenes import Scene

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


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
