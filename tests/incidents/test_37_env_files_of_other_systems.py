"""`%` in DATABASE_URL crashed alembic; CRLF in `.env` made other values."""

from __future__ import annotations

import pytest

from tests.lab.rig.server import CHECKOUT
from tests.lab.scenes import Scene
from tests.lab.seen import settings_kept, untouched

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (
            "s/^POSTGRES_PASSWORD=.*/&%25/",
            ".env: POSTGRES_PASSWORD may only hold A-Z a-z 0-9 . _ ~ - (it becomes part of a URL)",
        ),
        ("s/$/\\r/", ".env:1: carriage return (CRLF); save the file with LF line ends"),
    ],
    ids=["percent", "CRLF"],
)
def test_it_is_named_before_anything_is_touched(scene: Scene, edit: str, said: str) -> None:
    with settings_kept(scene.ubuntu):
        scene.ubuntu.must(["sed", "-i", edit, f"{CHECKOUT}/.env"])
        with untouched(scene.ubuntu):
            ran = scene.operator.fab("ubuntu.deploy", "--ref", scene.runs)
    assert (ran.code, ran.out) == (2, ""), ran
    assert said in (ran.error.removeprefix("ubuntu: "), *ran.evidence), ran
