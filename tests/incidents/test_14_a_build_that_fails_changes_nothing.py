"""A build on the live path: six broken front-end builds in production."""

from __future__ import annotations

from tests.lab.commits import replaced
from tests.lab.scenes import APP, Scene, ending, step_names

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

DOCKERFILE = "services/frontend/Dockerfile"


def test_nothing_that_runs_changes_until_every_build_has_passed(scene: Scene) -> None:
    """The API's build passes, the page's does not: neither is cut over, and no hold is left."""
    broken = replaced("    nginx -t\n", "    nginx -t && sh -c 'echo no such page; exit 7'\n")
    edits = {DOCKERFILE: broken, APP: ending("FOURTEEN = 14")}
    commit = scene.change("A page that cannot be built", edits)
    with scene.comes_back():
        ran = scene.deploy(commit)
    assert ran.code == 1
    assert ran.error.startswith("ubuntu: "), ran
    assert ran.error.endswith("; the running system was not touched"), ran
    assert any("no such page" in line for line in ran.evidence), ran
    asked = f"http://{scene.boxes()['nginx'].address}:8090/pinned"
    assert scene.ubuntu.must(["curl", "-sf", asked]).strip() == ""
    record = scene.record(commit)
    assert (record["outcome"], step_names(record)[-1]) == ("failed", "build frontend")
    assert record["error"].startswith("build frontend: ")
