"""A stray `.env` was baked into an image: its build context had no `.dockerignore`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import PurePosixPath

import pytest

from tests.lab.deployments import refused
from tests.lab.rig.server import CHECKOUT
from tests.lab.scenes import APP, Scene, ending
from tests.lab.seen import untouched

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

CONTEXT = "services/core-api"
STRAYS = (f"{CONTEXT}/.env", f"{CONTEXT}/app/.env")


@pytest.fixture
def stray(scene: Scene) -> Iterator[Scene]:
    """Somebody left files of settings beside the code, in the checkout on the server."""
    for path in STRAYS:
        scene.by_hand(f"echo STRAY=yes >{path}")
    yield scene
    scene.ubuntu.must(["sh", "-c", f"cd {CHECKOUT} && rm -f {' '.join(STRAYS)}"])


def test_what_lies_beside_the_code_on_the_server_is_in_no_image(stray: Scene) -> None:
    """Images are made of the commit, not of the checkout; and what lies there stays there."""
    commit = stray.change("Built beside strays", {APP: ending(f"THIRTY_NINE = {time.time_ns()}")})
    stray.deployed(commit)
    names = stray.by_hand("docker export wishwithme-core-api-1 | tar -t").splitlines()
    assert "app/app/main.py" in names
    assert [name for name in names if PurePosixPath(name).name.startswith(".env")] == []
    for path in STRAYS:
        assert stray.by_hand(f"cat {path}") == "STRAY=yes\n"


def test_a_commit_that_would_bring_one_along_is_refused(scene: Scene) -> None:
    """Where nothing ignores it, git tracks it with everything else."""
    edits = {".gitignore": lambda _: "", STRAYS[0]: lambda _: "STRAY=yes\n"}
    tracked = scene.change("A stray file", edits)
    with untouched(scene.ubuntu):
        said = refused(scene.operator.fab("ubuntu.deploy", "--ref", tracked))
    why = f"build context {CONTEXT} holds {STRAYS[0]}: git rm --cached it"
    assert said == f"ubuntu: {why}"
