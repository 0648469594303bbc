"""Roll: only what a change touches is replaced."""

from __future__ import annotations

from tests.lab.full import full
from tests.lab.scenes import PAGE, SITE, TWINS, Scene, reasons, step_names, titled
from tests.lab.seen import settings_kept

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


@full
def test_a_setting_restarts_exactly_the_services_that_read_it(scene: Scene) -> None:
    """And the next deploy, after it was taken back, the same ones again."""
    commit = scene.runs
    with settings_kept(scene.ubuntu):
        scene.by_hand("sed -i 's/^GOOGLE_CLIENT_ID=.*/GOOGLE_CLIENT_ID=a-client/' .env")
        with scene.only_replaces(*TWINS):
            scene.deployed(commit)
        words = ["docker", "exec", "wishwithme-core-api-2", "printenv", "GOOGLE_CLIENT_ID"]
        assert scene.ubuntu.must(words) == "a-client\n"
    changed = dict.fromkeys(TWINS, "definition or environment changed")
    assert reasons(scene.plan(commit), "roll", "start", "reload", "build") == changed
    with scene.only_replaces(*TWINS):
        scene.deployed(commit)


@full
def test_a_revert_builds_nothing_and_runs_the_earlier_image_again(scene: Scene) -> None:
    """Images are named by content: the earlier one is still there."""
    before = scene.boxes()["frontend"].image
    page = scene.by_hand(f"cat {PAGE}")
    change = scene.change("A page to revert", {PAGE: titled("to revert")})
    scene.deployed(change)
    assert scene.boxes()["frontend"].image != before
    revert = scene.change("Revert it", {PAGE: lambda _: page})
    with scene.only_replaces("frontend"):
        scene.deployed(revert)
    assert scene.boxes()["frontend"].image == before
    assert step_names(scene.record(revert)) == [
        f"fetch {revert[:8]}",
        f"checkout {revert[:8]}",
        "roll frontend",
    ]


def test_a_container_stopped_by_hand_is_started_again(scene: Scene) -> None:
    """The very same container: nothing about it has changed."""
    before = scene.boxes()["frontend"].id
    scene.by_hand("docker stop wishwithme-frontend")
    plan = scene.plan(scene.runs)
    assert reasons(plan, "roll") == {"frontend": "container is exited"}
    ran = scene.deploy(scene.runs)
    assert ran.code == 0, ran
    assert scene.boxes()["frontend"].id == before
    assert scene.get(SITE)[0] == 200
    scene.plain_up_changes_nothing()
