"""All requests failed while every container was "healthy": nginx kept the old IP of a container."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.rig.output import wait_until
from tests.lab.scenes import API, Scene

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


def asked_of(scene: Scene, service: str) -> bool:
    """Whether the proxy gives requests to this service, by its own log, and they succeed."""
    try:
        answered = {scene.get(API, "/health")[0] for _ in range(4)}
    except (OSError, http.client.HTTPException):
        return False
    log = scene.by_hand("docker logs --tail 8 wishwithme-nginx 2>/dev/null").splitlines()
    asked = {json.loads(line)["upstream"] for line in log if '"path":"/health"' in line}
    return answered == {200} and f"{scene.boxes()[service].address}:8000" in asked


def test_a_twin_that_a_person_replaced_is_used_without_a_reload(scene: Scene) -> None:
    """And a proxy that starts while the other is missing serves from this one."""
    nginx = scene.boxes()["nginx"]
    before = scene.boxes()["core-api-1"].address
    with squatter(scene):
        scene.by_hand("docker compose up -d --force-recreate --no-deps --wait core-api-1")
        assert scene.boxes()["core-api-1"].address != before
        wait_until(lambda: asked_of(scene, "core-api-1"), "its address is used", 10)
        assert scene.boxes()["nginx"] == nginx
        scene.by_hand("docker rm -f wishwithme-core-api-2; docker restart -t 1 wishwithme-nginx")
        wait_until(lambda: asked_of(scene, "core-api-1"), "the proxy starts and serves", 10)
    scene.by_hand("docker compose up -d --wait")
    scene.proves()
