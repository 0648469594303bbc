"""Ctrl-C while a server changes: once, the step under way ends first; twice, all stops at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..model.errors import STRANDED, Trouble
from .session import Session

ONCE = "Ctrl-C: what is under way ends first, then nothing is left half done; again: stop at once"
TWICE = "stopped by a second Ctrl-C"


class Interrupted(Trouble):
    """Somebody pressed Ctrl-C, and the step that was under way has ended."""


class Stopped(BaseException):
    """Somebody pressed Ctrl-C again: everything is left as it is, the way back too."""


@contextmanager
def interruptible(session: Session, left: Callable[[], Trouble]) -> Iterator[Callable[[], None]]:
    """Inside, a first Ctrl-C only lets the function that this yields raise :class:`Interrupted`.

    A second one cuts the connections, which frees the locks, and ends the block wherever it is;
    ``left``, which may connect anew, says then how things were left.
    """
    presses = 0
    heralds: list[threading.Thread] = []

    def pressed(_signal: int, _frame: object) -> None:
        nonlocal presses
        presses += 1
        if presses > 1:
            session.disconnect()
            raise Stopped
        # Not in here: the console may be in the middle of a line.
        herald = threading.Thread(target=session.console.warn, args=("", ONCE))
        herald.start()
        heralds.append(herald)

    def pause() -> None:
        if presses:
            raise Interrupted("interrupted by Ctrl-C")

    former = signal.signal(signal.SIGINT, pressed)
    try:
        yield pause
    except Stopped:
        signal.signal(signal.SIGINT, former)
        try:
            trouble = left()
        except KeyboardInterrupt:
            trouble = Trouble(f"{TWICE}; nobody waited to see how things stand", code=STRANDED)
        raise trouble from None
    finally:
        signal.signal(signal.SIGINT, former)
        for herald in heralds:
            herald.join()
