"""A new image crashed on import, and the running one was gone already."""

from __future__ import annotations

import re

from tests.lab.revisions import revision
from tests.lab.scenes import APP, Scene, ending, step_names

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


def test_a_new_image_starts_once_apart_before_the_running_one_is_touched(scene: Scene) -> None:
    """A migration would come first. Its last words are shown, without the secrets it was given."""
    last_words = 'raise RuntimeError(f"no {settings.jwt_secret_key.get_secret_value()} here")'
    broken = ending(f"settings = load_settings()\n{last_words}")
    commit = scene.change("A crash on import", {**revision(), APP: broken})
    with scene.comes_back():
        ran = scene.deploy(commit)
    assert ran.code == 1
    assert re.fullmatch(
        r"ubuntu: the new image wishwithme/core-api:\S+ does not start; the running system was not"
        " touched",
        ran.error,
    ), ran
    assert "RuntimeError: no [hidden] here" in ran.evidence
    record = scene.record(commit)
    assert (record["outcome"], step_names(record)[-1]) == ("failed", "smoke core-api")
