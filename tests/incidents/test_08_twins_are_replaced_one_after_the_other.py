"""Both API instances recreated together: 13 s of 502."""

from __future__ import annotations

import json

from tests.lab.scenes import API, APP, TWINS, Scene, ending, reasons

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

EVENTS = "docker events --since {} --until {} --filter type=container --format '{{{{json .}}}}'"


def happened(scene: Scene, since: str, until: str) -> list[tuple[str, str]]:
    """What the engine did with the twins and the proxy between two of its times, in order."""
    listed = scene.by_hand(EVENTS.format(since, until)).splitlines()
    events = [(e["Actor"]["Attributes"]["name"], e) for e in map(json.loads, listed)]
    found = []
    for name, event in events:
        service, what = name.rpartition("wishwithme-")[2], event["Action"]
        if what.startswith("exec_start:") and what.endswith("nginx -s reload"):
            what = "reload"
        if what in ("die", "start", "health_status: healthy", "reload"):
            found.append((service, what))
    return found


def test_the_next_twin_goes_only_when_the_proxy_uses_the_first_again(scene: Scene) -> None:
    """core-api alone is replaced; page, database, Redis and proxy keep their containers."""
    commit = scene.change("An API of one twin after the other", {APP: ending("EIGHT = 8")})
    plan = scene.plan(commit)
    assert reasons(plan, "roll", "reload", "start") == scene.by_content(*TWINS)
    since = scene.by_hand("date +%s.%N").strip()
    with scene.only_replaces(*TWINS):
        scene.deployed(commit)
    until = scene.by_hand("date +%s.%N").strip()
    one = ("die", "start", "health_status: healthy")
    first, second = (step["subject"] for step in plan["steps"] if step["kind"] == "roll")
    assert [event for event in happened(scene, since, until) if event[0] in (*TWINS, "nginx")] == [
        # Each is taken out of the proxy before, and is in it again before the next one goes.
        ("nginx", "reload"),
        *((first, what) for what in one),
        ("nginx", "reload"),
        ("nginx", "reload"),
        *((second, what) for what in one),
        ("nginx", "reload"),
    ]
    assert scene.get(API, "/healthz")[0] == 200
