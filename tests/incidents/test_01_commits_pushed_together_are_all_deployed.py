"""Two commits pushed together: only the last one's changes were deployed (a diff against HEAD^)."""

from __future__ import annotations

from tests.lab.scenes import APP, PAGE, PROXY, Scene, answers, ending, reasons, titled
from tests.names import SITE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


def test_three_commits_at_once_are_deployed_whole(scene: Scene) -> None:
    """Compared with what runs, never with the parent: the last commit alone touches nginx only."""
    since = scene.runs
    first = scene.change("A page of three", {PAGE: titled("three commits")})
    second = scene.change("An API of three", {APP: ending("THREE = 3")}, on=first)
    third = scene.change("A proxy of three", {PROXY: answers("/three", "three")}, on=second)
    plan = scene.plan(third)
    assert plan["since"] == since
    assert reasons(plan, "start", "roll", "reload") == scene.by_content("core-api", "frontend")
    with scene.only_replaces("core-api", "frontend"):
        scene.deployed(third)
    assert "<title>Wish With Me: three commits</title>" in scene.get(SITE)[1]
    assert scene.get(SITE, "/three") == (200, "three")
