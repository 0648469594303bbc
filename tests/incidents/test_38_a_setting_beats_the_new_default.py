"""A setting in the server's `.env` beat the new default: 17 commits of chasing."""

from __future__ import annotations

from tests.lab.rig.server import CHECKOUT
from tests.lab.scenes import Scene
from tests.lab.seen import settings_kept, untouched

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


def test_it_is_named_with_its_source_and_who_reads_it(scene: Scene) -> None:
    with settings_kept(scene.ubuntu):
        scene.ubuntu.write_env(POSTGRES_MEMORY="2G")
        with untouched(scene.ubuntu):
            (differs,) = scene.operator.json("env.diff", "--server", "ubuntu")
            words = ("env.explain", "POSTGRES_MEMORY", "--server", "ubuntu")
            told = scene.operator.json(*words)["ubuntu"]
    (row,) = [row for row in differs["keys"] if row["key"] == "POSTGRES_MEMORY"]
    assert (row["example"], row["runs"]) == ("not the default", "changed since")
    assert differs["services"] == ["postgres"]
    assert told["source"].startswith(f"{CHECKOUT}/.env, 2 characters, digest ")
    assert (told["default"], told["readers"]) == ("1G", ["postgres"])
    assert told["runs"] == "another value: it was changed since the last release"
