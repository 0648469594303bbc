"""Redis restarted, and no event ever came again: every check was green."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.lab.scenes import REPLICAS, Scene

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

HEALS_WITHIN = 20


def redis(scene: Scene, *words: str) -> None:
    scene.ubuntu.must(["docker", "exec", "wishwithme-redis", "redis-cli", *words])


@contextmanager
def deaf(scene: Scene) -> Iterator[None]:
    """Who listened to Redis is gone and cannot come back; all else works."""
    redis(scene, "ACL", "SETUSER", "default", "-subscribe")
    try:
        redis(scene, "CLIENT", "KILL", "TYPE", "pubsub")
        yield
    finally:
        redis(scene, "ACL", "SETUSER", "default", "+@all")


def test_a_replica_that_is_told_of_no_event_is_a_red_gate_and_the_only_one(scene: Scene) -> None:
    boxes = scene.boxes()
    addresses = sorted(boxes[name].address for name in REPLICAS)
    with deaf(scene):
        ran = scene.operator.fab("ubuntu.health", "--json")
    red = {gate["gate"]: gate["why"] for gate in json.loads(ran.out) if not gate["ok"]}
    assert ran.code == 1
    assert red == {
        "check:events": "published by one replica, received within 8 s:"
        f" {addresses[0]}: no event; {addresses[1]}: no event"
    }


def test_after_redis_restarted_both_replicas_are_told_again(scene: Scene) -> None:
    redis(scene, "SAVE")
    scene.ubuntu.must(["docker", "restart", "wishwithme-redis"])
    end = time.monotonic() + HEALS_WITHIN
    while (ran := scene.operator.fab("ubuntu.health", "--json")).code:
        assert time.monotonic() < end, ran
    (gate,) = [one for one in json.loads(ran.out) if one["gate"] == "check:events"]
    assert gate["why"] == "published by one replica, received through 2"
