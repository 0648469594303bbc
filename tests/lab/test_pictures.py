"""What looks at servers fits 80 columns and 120, and docs/ has its pictures."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.lab.full import full
from tests.lab.picture import DOCS, SCREENS, WIDTHS, screens
from tests.lab.scenes import APP, Scene, ending

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

SAID = {
    "status": "runs ",
    "logs": "core-api-1 ",
    "stats": "memory",
    "disk": "reclaimable",
    "history": "verified",
    "plan": "plan for ",
}
"""What stands on each screen."""


@full
def test_each_screen_is_drawn_and_no_line_of_it_is_too_long(scene: Scene, tmp_path: Path) -> None:
    scene.change("Answer lists faster", {APP: ending("PICTURE = 1")})
    made = screens(scene.operator.hosts_ini, tmp_path)
    names = {f"{name}-{width}.svg" for name in SCREENS for width in WIDTHS}
    assert {file.name for file in made} == names
    for file, lines in made.items():
        name, _, width = file.stem.partition("-")
        assert any(SAID[name] in line for line in lines), lines
        if name == "logs":  # as they were written: the terminal breaks them
            continue
        # Behind a line that is full the next one begins: the terminal has broken none.
        begins = ("[", "error: ")
        full_ones = [(one, then) for one, then in pairwise(lines) if len(one) >= int(width)]
        assert [then for _, then in full_ones if then and not then.startswith(begins)] == []


@pytest.mark.parametrize("name", SCREENS)
def test_the_pictures_of_each_screen_are_kept(name: str) -> None:
    for width in WIDTHS:
        assert (DOCS / "screens" / f"{name}-{width}.svg").read_text().startswith("<svg ")
