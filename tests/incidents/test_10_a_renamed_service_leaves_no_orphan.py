"""Rename of a service left the old container running and in use."""

from __future__ import annotations

from tests.incidents.renaming import NOTE, RENAMED
from tests.lab.scenes import FRONTEND, Scene
from tests.names import SITE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


def test_an_orphan_is_named_and_removed_when_asked(scene: Scene) -> None:
    """Only one of the own project."""
    since = scene.runs
    commit = scene.change("frontend becomes page", RENAMED)
    before = scene.boxes()
    ran = scene.deploy(commit)
    assert ran.code == 0, ran
    assert f"warning: {NOTE.format(FRONTEND)}" in ran.unbroken
    boxes = scene.boxes()
    assert boxes[FRONTEND] == before[FRONTEND]
    assert boxes["page-1"].health == "healthy"
    assert scene.get(SITE)[0] == 200

    stranger = ["docker", "run", "-d", "--name", "stranger", boxes["redis"].image, "redis-server"]
    scene.ubuntu.must(stranger)
    try:
        plan = scene.plan(commit, "--remove-orphans")
        assert [(step["kind"], step["subject"]) for step in plan["steps"]] == [
            ("fetch", commit[:8]),
            ("remove", f"wishwithme-{FRONTEND}"),
        ]
        scene.deployed(commit, "--remove-orphans")
        assert {*scene.boxes()} == {*boxes, "stranger"} - {FRONTEND}
    finally:
        scene.ubuntu.must(["docker", "rm", "-f", "-v", "stranger"])

    scene.deployed(since, "--remove-orphans")
    assert {*scene.boxes()} == {*before}
