"""Compose is upgraded under a stack that runs: the plan says so, and the road is the same."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from tests.lab.alone import alone
from tests.lab.commits import replaced
from tests.lab.deployments import Ran, ended
from tests.lab.full import full
from tests.lab.load import loaded
from tests.lab.rig.output import wait_until
from tests.lab.rig.plugin import newest_compose, on_linux, version_of_compose
from tests.lab.scenes import APP, PAGE, SITE, STACK, Scene, ending, reasons, step_names, titled
from tests.lab.seen import settings_kept

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")
pytestmark = pytest.mark.skipif(
    not on_linux(), reason="no compose for a server in this environment"
)

SHOP = """
  shop:
    <<: *hardened
    image: nginx:1.31.3-alpine
    container_name: wishwithme-shop
    command: [sleep, infinity]
    stop_grace_period: 1s
    depends_on:
      core-api: {condition: service_healthy}

networks:
  wishwithme-network:
    name:"""
WATCHED = "sed -i 's/^UPDATE_MONITOR=.*/UPDATE_MONITOR=15s/' .env"
"""A deploy watches longer than somebody takes to type, and compose to decide."""
PATIENCE = 240
WITH_A_SHOP = replaced("\nnetworks:\n  wishwithme-network:\n    name:", SHOP)


@pytest.fixture
def upgraded(scene: Scene) -> Iterator[Scene]:
    """What compose of PyPI has made of the base; at the end it is the server's own again."""
    with newest_compose(scene.ubuntu):
        with scene.only_replaces("core-api", "nginx"):
            scene.deployed(scene.runs)
        yield scene
    with scene.only_replaces("core-api", "nginx"):
        scene.deployed(scene.runs)


def test_a_plan_after_an_upgrade_of_compose_says_that_it_was_one(scene: Scene) -> None:
    """What it would make anew is what mounts folders of the server; data is not touched."""
    before = version_of_compose(scene.ubuntu)
    with newest_compose(scene.ubuntu) as now:
        plan = scene.plan(scene.runs)
    why = f"compose was upgraded from {before} to {now}"
    assert reasons(plan, "up", "start", "roll") == {
        "core-api": f"{why}: 2 new beside 2",
        "nginx": why,
    }
    assert scene.plan(scene.runs)["steps"] == []


@full
def test_the_road_is_the_same_on_the_newest_compose(upgraded: Scene) -> None:
    """A page; then a new service in place that depends on one which is replaced beside; back."""
    scene = upgraded
    page = scene.change("A page on the newest compose", {PAGE: titled("newest")})
    with scene.only_replaces("frontend"):
        scene.deployed(page)
    assert "<title>Wish With Me: newest</title>" in scene.get(SITE)[1]
    edits = {APP: ending("NEWEST = 1"), STACK: WITH_A_SHOP}
    shop = scene.change("A shop, and another API", edits)
    with scene.only_replaces("core-api", "shop"):
        scene.deployed(shop)
    assert [one for one in step_names(scene.record(shop)) if "fetch" not in one] == [
        "hold core-api",
        "build core-api",
        "smoke core-api",
        "review core-api",
        "backup postgres",
        "migrate core-api",
        f"checkout {shop[:8]}",
        "start core-api",
        "roll shop",
        "switch core-api",
        "retire core-api",
    ]
    with scene.only_replaces("core-api"):
        ran = scene.operator.fab("ubuntu.rollback")
        assert ran.code == 0, ran
    assert scene.runs == page
    scene.proves()
    scene.by_hand("docker rm -f wishwithme-shop")


def replicas(scene: Scene) -> set[str]:
    """The running containers of core-api, by the start of their ids."""
    boxes = scene.boxes().values()
    return {box.id[:12] for box in boxes if (box.service, box.state) == ("core-api", "running")}


def pinned(scene: Scene) -> set[str]:
    """The replicas of core-api that the proxy names one by one."""
    url = f"http://{scene.boxes()['nginx'].address}:8090/pinned"
    said = scene.ubuntu.exec(["curl", "-sf", url]).stdout
    rows = [row.split() for row in said.split(";")]
    return {one for service, *ids in filter(None, rows) if service == "core-api" for one in ids}


Phase = Callable[[set[str], set[str], set[str]], bool]
"""Of who served before, whom the proxy names, and who runs now."""


def held(before: set[str], asked: set[str], running: set[str]) -> bool:
    return asked == before < running


def switched(before: set[str], asked: set[str], _running: set[str]) -> bool:
    return bool(asked) and not asked & before


def disturbed(scene: Scene, phase: Phase) -> Ran:
    """A deploy of another API, and somebody's plain ``up`` in that phase; no request fails."""
    commit = scene.change("Another API", {APP: ending(f"DISTURBED = {time.time_ns()}")})
    before = replicas(scene)
    with loaded(scene) as load:
        start = time.monotonic()
        running = scene.operator.start("ubuntu.deploy", "--ref", commit)
        wait_until(
            lambda: running.poll() is not None or phase(before, pinned(scene), replicas(scene)),
            phase.__name__,
            PATIENCE,
        )
        scene.by_hand("docker compose up -d")
        ran = ended(running, start)
    assert load.lost == []
    scene.deployed(commit)
    return ran


@full
@alone
@pytest.mark.timeout(1200)
def test_a_plain_up_of_the_newest_compose_in_the_middle_costs_no_request(
    upgraded: Scene,
) -> None:
    """It removes those of another image than is named: before the switch the new, then the old."""
    scene = upgraded
    before = scene.runs
    with settings_kept(scene.ubuntu):
        scene.by_hand(WATCHED)
        ran = disturbed(scene, held)
        assert ran.code == 1, ran
        assert ran.error.endswith(f"; ubuntu is back at {before[:8]}, proved"), ran
        ran = disturbed(scene, switched)
        assert ran.code == 0, ran
