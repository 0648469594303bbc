"""What others do on the server while a deploy runs, and what they deployed before it."""

from __future__ import annotations

import time

from tests.lab.deployments import ended
from tests.lab.full import full
from tests.lab.scenes import APP, Scene, ending
from tests.lab.seen import settings_kept

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

WATCHED = "s/^UPDATE_MONITOR=.*/UPDATE_MONITOR=10s/"
"""Longer than a look at health takes."""


@full
def test_a_look_at_health_during_the_watch_is_nobodys_death(scene: Scene) -> None:
    """It ends containers of its own, which bear the names of services that were just replaced."""
    commit = scene.change("Watched replicas", {APP: ending(f"WATCHED = {time.time_ns()}")})
    before = {box.id for box in scene.boxes().values()}
    with settings_kept(scene.ubuntu):
        scene.by_hand(f"sed -i '{WATCHED}' .env")
        start = time.monotonic()
        running = scene.operator.start("ubuntu.deploy", "--ref", commit)
        while True:
            new = [box for box in scene.boxes().values() if box.id not in before]
            if [box.health for box in new if box.service == "core-api"] == ["healthy"] * 2:
                break
            assert running.poll() is None, ended(running, start)
        health = scene.operator.fab("ubuntu.health")
        ran = ended(running, start)
    assert health.code == 0, health
    assert ran.code == 0, ran
    assert "watch 10 s" in ran.steps("ubuntu")


@full
def test_a_deploy_over_what_is_not_in_its_commit_says_whose_that_is(scene: Scene) -> None:
    """Off a terminal it goes ahead."""
    former = scene.runs
    scene.deployed(scene.change("Theirs", {"README.md": ending("Theirs.")}))
    theirs = scene.last()
    mine = scene.change("Mine", {"README.md": ending("Mine.")}, on=former)
    told = f'replaces {theirs["commit"][:8]} "Theirs" by {theirs["who"]} at '
    assert [note for note in scene.plan(mine)["notes"] if note.startswith(told)]
    ran = scene.deployed(mine)
    assert f"warning: {told}" in ran.unbroken
    assert "which is not in this one" in ran.unbroken
    after = scene.change("Both", {"README.md": ending("Both.")})
    assert "which is not in this one" not in " ".join(scene.plan(after)["notes"])
