"""Compose is upgraded under a stack that runs: the plan says so, and the road is the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.alone import alone
from tests.lab.by_hand import up_in_the_middle_costs_nothing
from tests.lab.commits import replaced
from tests.lab.full import full
from tests.lab.rig.plugin import newest_compose, on_linux, version_of_compose
from tests.lab.scenes import APP, PAGE, STACK, Scene, ending, reasons, step_names, titled
from tests.names import SITE

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
        "review core-api",
        "smoke core-api",
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


@full
@alone
@pytest.mark.timeout(1200)
def test_a_plain_up_of_the_newest_compose_in_the_middle_costs_no_request(
    upgraded: Scene,
) -> None:
    up_in_the_middle_costs_nothing(upgraded)
