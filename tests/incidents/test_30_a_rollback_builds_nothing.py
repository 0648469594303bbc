"""Rollback rebuilt something else, since `image prune` had removed the old image."""

from __future__ import annotations

from tests.lab.deployments import refused
from tests.lab.full import full
from tests.lab.rig.containers import frozen
from tests.lab.scenes import FRONTEND, PAGE, Scene, titled
from tests.lab.seen import untouched
from tests.names import SITE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


def test_pruned_and_cut_off_a_server_still_goes_back_to_the_very_image(scene: Scene) -> None:
    """No registry, no git remote, no rebuild: the images that the server kept."""
    old, before = scene.runs, scene.boxes()[FRONTEND].image
    scene.deployed(scene.change("A page to go back from", {PAGE: titled("thirty")}))
    scene.operator.must("ubuntu.prune")
    mirror = scene.lab.server("ubuntu").container.replace("-ubuntu", "-mirror")
    with frozen(mirror), scene.only_replaces("frontend"):
        ran = scene.operator.fab("ubuntu.rollback")
    assert ran.code == 0, ran
    steps = ["fetch", "hold", "checkout", "start", "switch", "watch", "prove", "retire"]
    assert [step.split()[0] for step in ran.steps("ubuntu")] == steps
    assert (scene.runs, scene.boxes()[FRONTEND].image) == (old, before)
    assert "thirty" not in scene.get(SITE)[1]
    scene.plain_up_changes_nothing()


@full
def test_an_image_removed_by_hand_is_found_before_the_first_change(scene: Scene) -> None:
    """The release, the image and the way out are named; nothing is touched."""
    old = scene.last()
    images = scene.record(old["id"])["images"]
    commit = scene.change("A page whose past is lost", {PAGE: titled("no way back")})
    scene.deployed(commit)
    scene.ubuntu.must(["docker", "image", "rm", "-f", images["frontend"]["id"]])
    with untouched(scene.ubuntu):
        ran = scene.operator.fab("ubuntu.rollback")
        assert images["frontend"]["tag"] in refused(ran)
