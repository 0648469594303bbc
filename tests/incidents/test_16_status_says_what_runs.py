"""Nobody could see which image ran: `--no-cache --force-recreate` for ever after."""

from __future__ import annotations

from typing import Any

from tests.lab.full import full
from tests.lab.scenes import ALL, FRONTEND, REPLICAS, Scene, reasons

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


def not_as_deployed(scene: Scene) -> list[str]:
    services: list[dict[str, Any]] = scene.operator.json("ubuntu.status")["ubuntu"]["services"]
    assert [service["service"] for service in services] == [*ALL]
    return [service["service"] for service in services if not service["as_deployed"]]


@full
def test_a_build_by_hand_is_seen_and_put_right(scene: Scene) -> None:
    """Commit and image per container, and whether it is what was deployed."""
    commit, before = scene.runs, scene.boxes()
    assert not_as_deployed(scene) == []
    scene.by_hand(
        "sed -i 's/<h1>.*/<h1>By hand<\\/h1>/' services/frontend/index.html;"
        " docker compose build -q frontend; git checkout -q services"
    )
    assert not_as_deployed(scene) == []
    plan = scene.plan(commit)
    moved = {"frontend": "the name in the compose file was moved by hand"}
    assert reasons(plan, "retag") == moved
    assert [step["kind"] for step in plan["steps"]] == ["fetch", "retag"]

    scene.by_hand("docker compose up -d frontend")
    assert not_as_deployed(scene) == ["frontend"]
    why = {"frontend": "services/frontend changed: 1 new beside 1"}
    assert reasons(scene.plan(commit), "start") == why
    with scene.only_replaces("frontend"):
        scene.deployed(commit)
    assert scene.boxes()[FRONTEND].image == before[FRONTEND].image
    assert not_as_deployed(scene) == []


def test_a_replica_that_does_not_run_is_not_hidden_by_another(scene: Scene) -> None:
    for replica in REPLICAS:
        scene.by_hand(f"docker stop wishwithme-{replica}")
        status = scene.operator.json("ubuntu.status")["ubuntu"]
        (api,) = [one for one in status["services"] if one["service"] == "core-api"]
        assert (api["state"], api["as_deployed"]) == ("exited", True)
        assert reasons(scene.plan(scene.runs), "start") == {
            "core-api": "1 of 2 replicas: 1 new beside 1"
        }
        scene.by_hand("docker compose up -d --wait core-api")
    scene.proves()
