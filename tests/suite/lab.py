"""The tiers that need the lab: an engine, two servers up, their tests, everything put back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from tests.lab.rig.lab import Lab
from tests.lab.rig.place import Place

from .outcome import PYTHON, Outcome, pytest, run, under_ci

WORKERS = 2
"""Tests that wait for servers most of the time run side by side, each file in a lab of its own."""
FOLDERS = ("tests/lab", "tests/incidents")
TIER = "tests/lab, incidents"
INV = str(PYTHON.with_name("inv"))


def lab_is_up() -> bool:
    """Whether a container of this checkout's lab exists, asked of the engine."""
    return bool(Lab().status())


def put_others_away() -> None:
    """Take down the labs beside the first one."""
    for place in Place().others:
        Lab(place).down()


class LabRun:
    """One pass over the lab; once a step cannot be had, the rest is skipped for its reason."""

    def __init__(self) -> None:
        self._idle = ""
        self._ours = False

    def engine(self) -> Outcome:
        """Have an engine that answers."""
        status, said = run("scripts/engine")
        print(said, end="", flush=True)
        if status == 0:
            return Outcome()
        self._idle = said.strip().rpartition("\n")[2]
        return Outcome(problem=self._idle) if under_ci() else Outcome(idle=self._idle)

    def up(self) -> Outcome:
        """Bring a lab up for each worker. That waits for disks and networks: others run beside."""
        return self._unless_idle(self._up)

    def tiers(self) -> Iterator[tuple[str, Callable[[], Outcome]]]:
        """What needs the labs that are up; they go down at the end if they were not up before."""
        # In one run: a set-up for both, and neither ends with one lab waiting for the other.
        both = partial(pytest, *FOLDERS, live=True, workers=WORKERS)
        yield TIER, partial(self._unless_idle, both)
        yield "lab.down", self._down

    def _up(self) -> Outcome:
        self._ours = not lab_is_up()
        status, said = run(INV, "lab.up", "--labs", str(WORKERS))
        if status == 0:
            return Outcome(output=said)
        self._idle = "lab.up failed"
        return Outcome(problem=self._idle, output=said)

    def _down(self) -> Outcome:
        if not self._ours:
            if not self._idle:
                put_others_away()
            return Outcome(idle=self._idle or "it was up before, so it stays")
        failed = run(INV, "lab.down", live=True)[0]
        return Outcome(problem="lab.down failed") if failed else Outcome()

    def _unless_idle(self, tier: Callable[[], Outcome]) -> Outcome:
        return Outcome(idle=self._idle) if self._idle else tier()
