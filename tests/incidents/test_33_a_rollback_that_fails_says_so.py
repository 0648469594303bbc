"""Rollback reported success and had restored nothing."""

from __future__ import annotations

import time

from tests.lab.deployments import ended
from tests.lab.full import full
from tests.lab.scenes import FRONTEND, PAGE, REPLICAS, Scene, titled
from tests.names import SITE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


@full
def test_a_way_back_whose_gates_are_red_ends_with_3_and_the_truth(scene: Scene) -> None:
    """The way back ends with the same proof as a deploy, and with an exit code of its own."""
    good, image = scene.last(), scene.boxes()[FRONTEND].image
    commit = scene.change("A page that nobody will see", {PAGE: titled("unseen")})
    start = time.monotonic()
    running = scene.operator.start("ubuntu.deploy", "--ref", commit)
    assert running.stdout is not None
    told = []
    for line in running.stdout:
        told.append(line)
        if "✓ switch frontend" in line:
            break
    with scene.ubuntu.resetting(443):
        assert scene.last()["outcome"] == "running"
        ran = ended(running, start)
    assert ran.code == 3, (told, ran)
    assert ran.error == (
        "ubuntu: red gates: outside:site, outside:api; GOING BACK TO"
        f" {good['id']} FAILED: ubuntu: red gates: outside:site, outside:api;"
        " a person is needed: once the cause is gone, fab ubuntu.recover goes on from there"
    )
    for name in ("postgres", "redis", *REPLICAS, FRONTEND, "nginx"):
        assert f"wishwithme-{name}: running healthy" in ran.evidence, ran

    assert (scene.runs, scene.boxes()[FRONTEND].image) == (good["commit"], image)
    assert [scene.last()["outcome"], scene.record(commit)["outcome"]] == ["failed", "failed"]
    assert scene.get(SITE)[0] == 200
    ran = scene.deploy(good["commit"])
    assert ran.code == 0, ran
    scene.plain_up_changes_nothing()
