"""Images and the build cache filled the disk, or a prune took what a rollback needed."""

from __future__ import annotations

from tests.lab.deployments import refused
from tests.lab.scenes import APP, Scene, ending

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

ROOM = (1 << 30) + (64 << 20)
"""Bytes: enough for the reserve, and not for a build."""


def test_a_build_without_room_is_refused_before_anything_is_fetched(scene: Scene) -> None:
    """What is free, what is needed, and what to do; and that takes nothing a rollback needs."""
    commit = scene.change("Another API", {APP: ending("MORE = 1")})
    with scene.ubuntu.full_disk("/opt", ROOM):
        with scene.only_replaces():
            said = refused(scene.operator.fab("ubuntu.deploy", "--ref", commit))
        pruned = scene.operator.fab("ubuntu.prune")
    assert said.startswith("ubuntu: disk /"), said
    assert " has 1.1 GiB free; core-api will take about " in said, said
    assert said.endswith(", and 1.0 GiB must stay: make room with fab ubuntu.prune"), said
    assert pruned.code == 0, pruned
    assert scene.runs != commit
    record = scene.record(scene.runs)
    for service, image in record["images"].items():
        assert scene.image(image["id"]) == image["id"], service
