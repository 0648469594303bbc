"""A second Ctrl-C stops at once, says what stands where, and how that is put right."""

from __future__ import annotations

import os
import signal
import time

import pytest

from fabfile.model.deploy.plan import Kind
from tests.lab.deployments import Ran, ended
from tests.lab.full import full
from tests.lab.matrix import Row
from tests.lab.matrix_play import WAIT, Stage
from tests.lab.seen import head

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged", "tests.lab.matrix_stage")


def pressed_twice(stage: Stage, row: Row) -> Ran:
    """A deploy of this server that is told to end, and then to stop, in the middle of a step."""
    commit = stage.commit(row)
    trap = stage.traps[row.server]
    trap.set(row.kind, stage.title(row, commit))
    start = time.monotonic()
    running = stage.operator.start(f"{row.server}.deploy")
    trap.springs(running)
    os.killpg(running.pid, signal.SIGINT)
    assert running.stdout is not None
    while "Ctrl-C: what is under way ends first" not in running.stdout.readline():
        assert running.poll() is None
    os.killpg(running.pid, signal.SIGINT)
    ran = ended(running, start)
    trap.release()
    return ran


@full
@pytest.mark.parametrize(
    ("row", "code", "said"),
    [
        (Row("ubuntu", Kind.BUILD, "frontend"), 1, "while preparing; the running system was not"),
        (
            Row("ubuntu", Kind.START, "frontend"),
            3,
            "ubuntu at step 'start frontend'; a person is needed: fab ubuntu.recover brings back",
        ),
    ],
    ids=str,
)
def test_it_leaves_what_recover_makes_uniform(stage: Stage, row: Row, code: int, said: str) -> None:
    before = head(stage.ubuntu)
    ran = pressed_twice(stage, row)
    assert (ran.code, said in ran.err) == (code, True), ran
    assert stage.operator.json("status")["ubuntu"]["last"]["outcome"] == "died"
    stage.operator.must("ubuntu.recover", *WAIT)
    stage.uniform(("ubuntu",), {before})
