"""All requests failed while every container was "healthy": nginx kept the old IP of a container."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.scenes import Scene

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


@contextmanager
def squatter(scene: Scene) -> Iterator[None]:
    """A stopped twin's address is taken by somebody else's container, as is all that is free."""
    wanted = scene.boxes()["core-api-1"].address
    scene.by_hand("docker stop wishwithme-core-api-1")
    image = scene.boxes()["redis"].image
    words = ["docker", "run", "-d", "--network", "wishwithme-network"]
    squatters = [f"squatter-{number}" for number in range(8)]
    try:
        for name in squatters:
            scene.ubuntu.must([*words, "--name", name, image, "redis-server"])
            if scene.boxes()[name].address == wanted:
                break
        else:
            raise AssertionError(f"nobody got {wanted}")
        yield
    finally:
        scene.ubuntu.exec(["docker", "rm", "-f", "-v", *squatters])


def test_a_replaced_twin_at_another_address_is_used_by_the_proxy(scene: Scene) -> None:
    """Its actual address is compared with the one that nginx used, not only its name."""
    before = scene.boxes()["core-api-1"].address
    with squatter(scene):
        scene.deployed(scene.runs)
        boxes = scene.boxes()
        assert boxes["core-api-1"].address != before
        reached = f"http://{boxes['nginx'].address}:8090/reach/core-api-1"
        headers = scene.ubuntu.must(["curl", "-sfi", reached]).lower()
        assert f"x-reached: {boxes['core-api-1'].address}:8000" in headers
