"""The whole application as a person uses it: a browser, both servers, a shop's page."""

from __future__ import annotations

import json
import subprocess

from tests.lab.browsing import LAMP, SIGHTS, visits
from tests.lab.scenes import Scene

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


def test_a_page_that_is_added_is_resolved_by_the_browser_there_and_appears_live(
    scene: Scene,
) -> None:
    """By somebody who registered, left and signed in again; nothing breaks the page's policy."""
    seen = visits(scene, "plain")
    assert seen["complaints"] == []
    assert [text in seen["text"] for text in (LAMP, "49.90", "A good umbrella")] == [True] * 3
    assert seen["offline"] == {"shell": [1, True], "offers": 0}
    for what in ("welcome", "birthday", "offline", "limit"):
        assert (SIGHTS / f"plain-{what}.png").read_bytes().startswith(b"\x89PNG")
    statuses = [answer["status"] for answer in seen["limited"]]
    assert statuses == sorted(statuses)
    assert {*statuses} == {401, 429}
    assert seen["limited"][-1]["says"] == "too many requests, try again later"


def test_the_door_leads_to_the_same_site(scene: Scene) -> None:
    """What ``scripts/demo`` ends with: plain, under a name that every browser knows."""
    words = ["curl", "-sf", "--noproxy", "*"]
    page = subprocess.check_output([*words, scene.lab.door], text=True)
    assert "<title>Wish With Me" in page
    told = subprocess.check_output([*words, f"{scene.lab.door}/config.json"], text=True)
    assert json.loads(told) == {"api_url": ""}
