"""The fault matrix, half 2: whatever happens at whatever step, one more command makes all uniform.

``scripts/test`` plays the sample, which holds each kind of step that replaces beside; ``--full``
all.
"""

from __future__ import annotations

import pytest

from tests.lab.matrix import Cell
from tests.lab.matrix_plan import cells
from tests.lab.matrix_play import Stage, played

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged", "tests.lab.matrix_stage")


@pytest.mark.parametrize("cell", cells(1), ids=str)
def test_at_this_step_this_fault_loses_nothing_and_one_command_makes_all_uniform(
    stage: Stage, cell: Cell
) -> None:
    played(stage, cell)
