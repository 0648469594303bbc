"""What is done side by side: a signal is handled meanwhile, whichever thread it reaches."""

from __future__ import annotations

import signal
import sys
import threading

from fabfile.ops.session import side_by_side

LONG = 60


def until_main_waits() -> None:
    """Return once the main thread has stood at one place for a while: it waits there."""
    ident = threading.main_thread().ident
    assert ident is not None
    seen, pause = None, threading.Event()
    while True:
        frame = sys._current_frames()[ident]
        place = (frame.f_code, frame.f_lasti)
        if place == seen and frame.f_code.co_filename == threading.__file__:
            return
        seen = place
        pause.wait(0.2)


def test_a_signal_that_did_not_end_the_wait_is_handled_all_the_same() -> None:
    """As one that comes in the moment before it; here another thread gets it."""
    handled = threading.Event()
    former = signal.signal(signal.SIGUSR1, lambda *_: handled.set())

    def work(_what: str) -> bool:
        until_main_waits()
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
        return handled.wait(LONG)

    try:
        assert side_by_side(work, ["one"]) == {"one": True}
    finally:
        signal.signal(signal.SIGUSR1, former)
