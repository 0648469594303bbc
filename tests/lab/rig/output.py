"""One line per step of the lab, with its time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .docker import LabError


def say(text: str) -> None:
    """Print one line of progress at once."""
    print(f"[lab] {text}", flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Say what was done, with its seconds, once it is done."""
    start = time.monotonic()
    yield
    say(f"{text}  {time.monotonic() - start:.1f}s")


def wait_until(true: Callable[[], bool], what: str, seconds: float, pause: float = 0.1) -> None:
    """Ask until the answer is yes; LabError naming ``what`` when the deadline passes first."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise LabError(f"{what} not within {seconds:g} s")
        time.sleep(pause)
