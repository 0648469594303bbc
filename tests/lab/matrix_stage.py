"""Fixtures of the fault matrix.

A test module gets them with ``pytest_plugins = ("tests.lab.deployed", "tests.lab.staged",
"tests.lab.matrix_stage")``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.lab.deployments import SERVERS, Pair
from tests.lab.matrix_play import Stage
from tests.lab.matrix_trap import Trap
from tests.lab.scenes import Scene
from tests.lab.seen import head

__all__ = ["stage"]


@pytest.fixture(scope="module")
def stage(scenes: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Both servers at the base, with traps on them; at the end only the database is put back.

    A scene before may have left them elsewhere, and good.
    """
    scenes.make_good()
    lab = scenes.lab
    patient = Scene(lab, scenes.operator, scenes.origin).patient(tmp_path_factory.mktemp("stage"))
    stage = Stage(lab, patient.operator, scenes.origin, scenes.origin.base)
    if any(head(lab.server(name)) != scenes.origin.base for name in SERVERS):
        stage.put_right()
    with ExitStack() as stack:
        for name in SERVERS:
            stage.traps[name] = Trap(lab.server(name))
            stack.enter_context(stage.traps[name].installed())
        base = stage.revision
        yield stage
    stage.lower(base)
