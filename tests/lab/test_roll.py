"""Only what a change touches is replaced, and what is beside it never stops serving."""

from __future__ import annotations

from tests.lab.full import full
from tests.lab.scenes import FRONTEND, PAGE, Scene, reasons, step_names, titled
from tests.lab.seen import settings_kept
from tests.names import SITE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


@full
def test_a_setting_restarts_exactly_the_services_that_read_it(scene: Scene) -> None:
    """And the next deploy, after it was taken back, the same ones again."""
    commit = scene.runs
    with settings_kept(scene.ubuntu):
        scene.by_hand("sed -i 's/^GOOGLE_CLIENT_ID=.*/GOOGLE_CLIENT_ID=a-client/' .env")
        with scene.only_replaces("core-api"):
            scene.deployed(commit)
        words = ["docker", "exec", "wishwithme-core-api-2", "printenv", "GOOGLE_CLIENT_ID"]
        assert scene.ubuntu.must(words) == "a-client\n"
    changed = {"core-api": "definition or environment changed: 2 new beside 2"}
    plan = scene.plan(commit)
    assert reasons(plan, "start", "roll", "up", "reload", "build") == changed
    with scene.only_replaces("core-api"):
        scene.deployed(commit)


@full
def test_a_revert_builds_nothing_and_runs_the_earlier_image_again(scene: Scene) -> None:
    """Images are named by content: the earlier one is still there."""
    before = scene.boxes()[FRONTEND].image
    page = scene.by_hand(f"cat {PAGE}")
    change = scene.change("A page to revert", {PAGE: titled("to revert")})
    scene.deployed(change)
    assert scene.boxes()[FRONTEND].image != before
    revert = scene.change("Revert it", {PAGE: lambda _: page})
    with scene.only_replaces("frontend"):
        scene.deployed(revert)
    assert scene.boxes()[FRONTEND].image == before
    assert step_names(scene.record(revert)) == [
        f"fetch {revert[:8]}",
        "hold frontend",
        f"checkout {revert[:8]}",
        "start frontend",
        "switch frontend",
        "retire frontend",
    ]


@full
def test_a_container_stopped_by_hand_is_replaced(scene: Scene) -> None:
    """Nobody else serves the page meanwhile, so there is nobody to hold."""
    scene.by_hand(f"docker stop wishwithme-{FRONTEND}")
    plan = scene.plan(scene.runs)
    assert reasons(plan, "hold", "start") == {"frontend": "no replica runs: 1 new"}
    with scene.only_replaces("frontend"):
        scene.deployed(scene.runs)
    assert scene.get(SITE)[0] == 200


@full
def test_replicas_are_as_many_as_the_setting_says(scene: Scene) -> None:
    """More start beside those that stay; fewer leave once the proxy asks the others alone."""
    runs, before = scene.runs, scene.boxes()
    with settings_kept(scene.ubuntu):
        scene.by_hand("sed -i 's/^CORE_API_REPLICAS=.*/CORE_API_REPLICAS=3/' .env")
        plan = scene.plan(runs)
        assert reasons(plan, "start") == {"core-api": "2 of 3 replicas: 1 new beside 2"}
        scene.deployed(runs)
        more = scene.boxes()
        assert {*more} == {*before, "core-api-3"}
        assert {name: more[name] for name in before} == before
        gates = {gate["gate"] for gate in scene.operator.json("ubuntu.health")}
        assert {f"probe:core-api-{number}" for number in (1, 2, 3)} <= gates
    scene.deployed(runs)
    fewer = scene.boxes()
    assert {*fewer} == {*before}
    assert {box.id for box in fewer.values()} < {box.id for box in more.values()}
