"""Edits made on the server were destroyed, or they stopped the pull."""

from __future__ import annotations

from tests.lab.rig.server import CHECKOUT
from tests.lab.scenes import PAGE, Scene, titled
from tests.lab.seen import STATE
from tests.names import SITE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


def test_files_edited_on_the_server_are_kept_as_a_patch(scene: Scene) -> None:
    """Drift is shown by the plan, and saved before it is replaced."""
    scene.by_hand(f"sed -i 's/<h1>.*/<h1>Edited by hand<.h1>/' {PAGE}")
    commit = scene.change("Another title", {PAGE: titled("over an edit")})
    assert f"edited on the server: M {PAGE}" in scene.plan(commit)["notes"]
    scene.deployed(commit)
    assert "over an edit" in scene.get(SITE)[1]
    patch = f"{STATE}/releases/{scene.last()['id']}/edited.patch"
    assert "+      <h1>Edited by hand<.h1>" in scene.by_hand(f"cat {patch}").splitlines()
    assert scene.by_hand(f"stat -c %a {patch}; git -C {CHECKOUT} status --porcelain") == "600\n"
