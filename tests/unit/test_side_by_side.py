"""What is done side by side: a signal is handled meanwhile, whichever thread it reaches."""

from __future__ import annotations

import signal
import threading

from fabfile.ops.session import side_by_side


def test_a_signal_is_handled_while_others_work() -> None:
    """One that comes just before the wait begins does not end it, as one to another thread."""
    handled = threading.Event()
    former = signal.signal(signal.SIGUSR1, lambda *_: handled.set())

    def work(_what: str) -> bool:
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
        return handled.wait(60)

    try:
        assert side_by_side(work, ["one"]) == {"one": True}
    finally:
        signal.signal(signal.SIGUSR1, former)
