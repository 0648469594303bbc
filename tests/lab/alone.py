"""What is played alone: beside another scene two cores would judge the machine, not the deploy.

Every test holds the room: with others, or, marked :data:`alone`, by itself. Whoever wants in waits
at the door one at a time, so that one who wants to be alone is not passed by others for ever. The
waiting is no test's time: it stands outside its timeout.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

alone = pytest.mark.alone
"""No other test that needs a lab runs meanwhile."""

LEFT_WELL = pytest.StashKey[bool]()
"""Whether the last test of this process was a scene that passed: what runs is good."""

ROOM = Path(__file__).parent
DOOR = Path(__file__)


@contextmanager
def turn(*, by_itself: bool) -> Iterator[None]:
    """The block runs beside others of its checkout, or only once they have ended."""
    with _held(ROOM) as room:
        with _held(DOOR) as door:
            fcntl.flock(door, fcntl.LOCK_EX)
            fcntl.flock(room, fcntl.LOCK_EX if by_itself else fcntl.LOCK_SH)
        yield


@contextmanager
def _held(path: Path) -> Iterator[int]:
    """A file or folder whose lock ends with the block; the thing itself is the lock."""
    opened = os.open(path, os.O_RDONLY)
    try:
        yield opened
    finally:
        os.close(opened)
