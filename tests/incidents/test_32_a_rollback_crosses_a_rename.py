"""Rollback across a rename: "no such service", the new names on the old compose file."""

from __future__ import annotations

from tests.incidents.renaming import NOTE, RENAMED
from tests.lab.full import full
from tests.lab.scenes import FRONTEND, Scene
from tests.names import SITE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


@full
def test_a_release_carries_its_own_compose_files(scene: Scene) -> None:
    """It goes back by the names of then; the container of the new name is told as an orphan."""
    since, before = scene.runs, scene.boxes()
    scene.deployed(scene.change("frontend becomes page", RENAMED), "--remove-orphans")
    assert FRONTEND not in scene.boxes()
    ran = scene.operator.must("ubuntu.rollback", "--to", since)
    assert NOTE.format("page-1") in ran.unbroken
    assert scene.runs == since
    assert scene.boxes()[FRONTEND].image == before[FRONTEND].image
    assert scene.boxes()[FRONTEND].health == "healthy"
    assert scene.get(SITE)[0] == 200
    scene.proves()
    scene.deployed(since, "--remove-orphans")
    assert {*scene.boxes()} == {*before}
