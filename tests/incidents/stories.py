"""Long stories that several incidents read, each told once in a session.

A test module gets them with ``pytest_plugins = (*"tests.lab.deployed", "tests.lab.staged",
"tests.incidents.stories")``.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import pytest

from tests.lab.commits import Edit, replaced
from tests.lab.deployments import Pair, Ran, ended
from tests.lab.rig import Server
from tests.lab.scenes import HEALTH, Scene
from tests.lab.seen import STATE, containers, holder, untouched
from tests.names import API

__all__ = ["backends_gone", "fresh", "sick"]

LINE = "health: a planted fault"
SQUATTER = """
name: old-resolver
services:
  resolver:
    image: redis:7.4.6-alpine
    container_name: wishwithme-item-resolver-1
  proxy:
    image: redis:7.4.6-alpine
    container_name: wishwithme-nginx
    ports: ["8001:6379"]
networks:
  default:
    name: wishwithme-network
"""


@dataclass(frozen=True)
class Sick:
    """Two deploys that only their gates can stop, and what ran before them."""

    ubuntu: Ran
    """core-api answers 200 with "unhealthy" in the body, as the real application does."""
    montreal: Ran
    """The probes ask without their token: the resolver answers 401."""
    before: dict[str, dict[str, Any]]
    after: dict[str, dict[str, Any]]
    """``fab status --json``."""


@dataclass(frozen=True)
class BackendsGone:
    """PostgreSQL and Redis stopped under a verified release."""

    live: tuple[int, str]
    deep: tuple[int, str]
    """Status and body from outside, through the proxy."""
    health: Ran
    gates: dict[str, dict[str, Any]]
    containers: dict[str, str]
    healed: Ran
    healed_containers: dict[str, str]


@dataclass(frozen=True)
class Fresh:
    """A server without anything of ours, but with containers of another project in the way."""

    strangers: dict[str, str]
    refused: Ran
    strangers_after: dict[str, str]
    state_before: str
    deploy: Ran


@pytest.fixture(scope="session")
def sick(scenes: Pair) -> Sick:
    """A deploy of each server whose gates turn red; both go back."""
    scene = _scene(scenes)
    before = scene.operator.json("status")
    unhealthy = scene.origin.commit("Unhealthy, with 200", _unhealthy(), scene.runs, "unhealthy")
    stack = "compose/docker-compose.montreal.yml"
    unasked: dict[str, Edit] = {stack: lambda text: text.replace(", bearer: RU_BEARER_TOKEN", "")}
    bearerless = scene.origin.commit("Probes without a token", unasked, "", "bearerless")
    start = time.monotonic()
    running = scene.operator.start("ubuntu.deploy", "--ref", unhealthy)
    # Each looks at the other server before its first change, and not after it.
    holder(scene.ubuntu, "UTC ")
    montreal = scene.operator.fab("montreal.deploy", "--ref", bearerless)
    ubuntu = ended(running, start)
    after = scene.operator.json("status")
    if [seen["head"] for seen in after.values()] == [seen["head"] for seen in before.values()]:
        scenes.remember()
    return Sick(ubuntu, montreal, before, after)


def _unhealthy() -> dict[str, Edit]:
    checks = replaced(
        'checks = {"database": database, "redis": redis}',
        'checks = {"database": database, "redis": redis, "planted": "fault"}',
    )
    answer = replaced(
        "    response.status_code = status.HTTP_503_SERVICE_UNAVAILABLE\n"
        '    return {"status": "unhealthy"',
        f'    log.warning("{LINE}")\n    return {{"status": "unhealthy"',
    )
    return {HEALTH: lambda text: answer(checks(text))}


@pytest.fixture(scope="session")
def backends_gone(scenes: Pair) -> BackendsGone:
    """Both backends stopped, looked at from outside, and started again by a deploy."""
    scene = _scene(scenes)
    commit, before = scene.runs, containers(scene.ubuntu)
    scene.ubuntu.must(["docker", "stop", "wishwithme-postgres", "wishwithme-redis"])
    live, deep = scene.get(API, "/health"), scene.get(API, "/healthz")
    health = scene.operator.fab("ubuntu.health", "--json")
    healed = scene.operator.fab("ubuntu.deploy", "--ref", commit)
    scenes.remember()
    gates = {gate["gate"]: gate for gate in json.loads(health.out)}
    return BackendsGone(live, deep, health, gates, before, healed, containers(scene.ubuntu))


@pytest.fixture(scope="session")
def fresh(scenes: Pair) -> Fresh:
    """Montreal emptied and squatted; a deploy that is refused; a first deploy without squatters."""
    scene = _scene(scenes)
    montreal = scenes.montreal
    montreal.reset()
    _squat(montreal, "up", "-d", "--quiet-pull")
    try:
        strangers = containers(montreal)
        with untouched(montreal):
            refused = scene.operator.fab("montreal.deploy")
        strangers_after = containers(montreal)
    finally:
        _squat(montreal, "down")
    state = montreal.must(["sh", "-c", f"ls -d {STATE} 2>/dev/null || echo absent"]).strip()
    deploy = scene.operator.fab("montreal.deploy")
    scenes.remember()
    return Fresh(strangers, refused, strangers_after, state, deploy)


def _squat(server: Server, *words: str) -> None:
    compose = ["docker", "compose", "-f", "-", *words]
    server.must(compose, stdin=SQUATTER)


def _scene(scenes: Pair) -> Scene:
    scenes.make_good()
    return Scene(scenes.lab, scenes.operator, scenes.origin)
