"""What Invoke is given to carry and gives back: text as bytes, input at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Timer

from fabric.runners import Remote
from invoke.runners import Local

WIRE = "latin-1"
"""Encoding given to Invoke, which decodes every chunk by itself: it must have one byte a letter."""


def to_wire(text: str) -> str:
    """UTF-8 as :data:`WIRE` carries it."""
    return text.encode("utf-8").decode(WIRE)


def from_wire(text: str) -> str:
    """What a command printed, as UTF-8."""
    return text.encode(WIRE).decode("utf-8", "replace")


class Text:
    """A standard input that is given at once: Invoke reads others a character at a time."""

    def __init__(self, text: str) -> None:
        self._text = text

    def read(self, _size: int) -> str:
        """The whole text first, then the end."""
        text, self._text = self._text, ""
        return text


class _Silence(Timer):
    """Calls when nothing was heard for so many seconds."""

    def __init__(self, interval: float, function: Callable[[], None]) -> None:
        super().__init__(interval, function)
        self.heard()

    def heard(self) -> None:
        """The seconds begin anew."""
        self._since = time.monotonic()

    def run(self) -> None:
        """Wait until then, or until it is cancelled."""
        while (left := self._since + self.interval - time.monotonic()) > 0:
            if self.finished.wait(left):
                return
        self.function()


class _Unwatched:
    """A runner whose output nobody watches while it comes; its timeout is one of keeping still.

    For those who watch, Invoke joins all that has come so far at every chunk: 8 MiB took 16 s.
    """

    read_chunk_size = 1 << 16
    kill: Callable[[], None]
    _timer: Timer | None

    def start_timer(self, timeout: float | None) -> None:
        """Give it up when nothing has come for so long."""
        if timeout is not None:
            self._timer = _Silence(timeout, self.kill)
            self._timer.start()

    def respond(self, _buffer: list[str]) -> None:
        """Something has come."""
        if isinstance(self._timer, _Silence):
            self._timer.heard()


class RemoteRunner(_Unwatched, Remote):
    """What a connection runs commands with."""


class LocalRunner(_Unwatched, Local):
    """The same without a connection."""
