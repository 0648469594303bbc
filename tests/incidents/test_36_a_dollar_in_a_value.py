"""A `$` in a value of `.env` was expanded: `abc$def…` became `abc`."""

from __future__ import annotations

from tests.lab.deployments import refused
from tests.lab.scenes import Scene
from tests.lab.seen import settings_kept, untouched

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

SEEN = "4f0d1c9b8a7e6f5d4c3b2a1908f7e6d5"
LOST = "$Qz7nWk"


def test_the_length_that_compose_reads_and_the_cause_are_shown(scene: Scene) -> None:
    """Never the value, or a part of it."""
    with settings_kept(scene.ubuntu):
        scene.ubuntu.write_env(JWT_SECRET_KEY=f"{SEEN}{LOST}")
        with untouched(scene.ubuntu):
            said = refused(scene.operator.fab("ubuntu.deploy", "--ref", scene.runs))
    assert said == (
        "ubuntu: .env: JWT_SECRET_KEY: compose reads 32 characters of 39: '$' starts a variable;"
        " write '$$', or put the value in single quotes"
    )
