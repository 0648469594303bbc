"""Files of the containers' root blocked git: runtime data stood inside the checkout."""

from __future__ import annotations

import json

from tests.lab.rig.server import CHECKOUT
from tests.lab.scenes import Scene
from tests.lab.seen import STATE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


def test_no_container_can_write_into_the_checkout(scene: Scene) -> None:
    shown = ["docker", "inspect", "-f", "{{json .Mounts}}", *(b.id for b in scene.boxes().values())]
    mounts = [one for line in scene.ubuntu.must(shown).splitlines() for one in json.loads(line)]
    assert [one for one in mounts if one["Source"].startswith(CHECKOUT) and one["RW"]] == []


def test_data_of_root_stands_in_nobodys_way(scene: Scene) -> None:
    """The checkout holds what git tracks and the settings, all of it the user's."""
    owners = scene.ubuntu.must(
        ["stat", "-c", "%U", f"{STATE}/data/postgres", f"{STATE}/data/redis"]
    )
    assert "ubuntu" not in owners.split()
    foreign = ["find", CHECKOUT, "!", "-user", "ubuntu"]
    assert scene.ubuntu.must(foreign) == ""
    stray = scene.by_hand("git clean -ndx").splitlines()
    assert stray == ["Would remove .env"]
    scene.by_hand("git checkout -q --force --detach HEAD && git clean -ndq")
