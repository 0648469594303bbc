"""All requests failed while every container was "healthy": nginx kept the old IP of a container."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.full import full
from tests.lab.rig.output import wait_until
from tests.lab.scenes import REPLICAS, Scene, reasons
from tests.names import API

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


@contextmanager
def squatter(scene: Scene) -> Iterator[None]:
    """The address of a replica that stopped is somebody else's, as is all that is free."""
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


def test_a_replica_at_another_address_is_used_by_the_proxy(scene: Scene) -> None:
    """A deploy makes one in place of the one that stopped, and the proxy asks both."""
    before = scene.boxes()["core-api-1"].address
    with squatter(scene):
        plan = scene.plan(scene.runs)
        assert reasons(plan, "start") == {"core-api": "1 of 2 replicas: 1 new beside 1"}
        scene.deployed(scene.runs)
        assert scene.boxes()["core-api-1"].address != before
        for replica in REPLICAS:
            assert asked_of(scene, replica)


def asked_of(scene: Scene, replica: str) -> bool:
    """Whether the proxy gives requests to this replica, by its own log, and they succeed."""
    try:
        answered = {scene.get(API, "/health")[0] for _ in range(4)}
    except (OSError, http.client.HTTPException):
        return False
    log = scene.by_hand("docker logs --tail 8 wishwithme-nginx 2>/dev/null").splitlines()
    asked = {json.loads(line)["upstream"] for line in log if '"path":"/health"' in line}
    return answered == {200} and f"{scene.boxes()[replica].address}:8000" in asked


def replicas(scene: Scene) -> dict[str, str]:
    """Name → address of the API's containers; who recreates them by hand may see other numbers."""
    return {name: box.address for name, box in scene.boxes().items() if box.service == "core-api"}


@full
def test_replicas_that_a_person_recreated_are_used_without_a_reload(scene: Scene) -> None:
    """And a proxy that starts while one is missing serves from the other."""
    nginx, before = scene.boxes()["nginx"], replicas(scene)
    with squatter(scene):
        scene.by_hand("docker compose up -d --force-recreate --no-deps --wait core-api")
        made = replicas(scene)
        moved = next(name for name in made if made[name] not in before.values())
        wait_until(lambda: asked_of(scene, moved), "its address is used", 10)
        assert scene.boxes()["nginx"] == nginx
        (other,) = {*made} - {moved}
        scene.by_hand(f"docker stop wishwithme-{other}; docker restart -t 1 wishwithme-nginx")
        wait_until(lambda: asked_of(scene, moved), "the proxy starts and serves", 10)
    scene.by_hand("docker compose up -d --wait")
    for name, former in zip(sorted({*made} - {*before}), sorted({*before} - {*made}), strict=True):
        scene.by_hand(f"docker rename wishwithme-{name} wishwithme-{former}")
    scene.proves()
