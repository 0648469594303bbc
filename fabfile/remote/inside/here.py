"""The operator's own end of a command: a terminal, or pipes that nothing is added to."""

from __future__ import annotations

import os
import signal
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from ...model.errors import Trouble

STDIN, STDOUT, STDERR = 0, 1, 2
ENDED = 128
"""What is added to the number of the signal that ends this process: its exit code."""


class Here:
    """Standard input, output and errors of this process."""

    def __init__(self) -> None:
        self.stdin = STDIN
        self.terminal = os.isatty(STDIN) and os.isatty(STDOUT)
        """Whether a person sits here: whose output goes to a file wants its bytes, no terminal."""

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines of the terminal."""
        return os.get_terminal_size(STDOUT)

    def write(self, out: bytes, errors: bytes) -> None:
        """Pass on what the command printed; BrokenPipeError when nobody reads it any more."""
        for descriptor, data in ((STDOUT, out), (STDERR, errors)):
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]

    @contextmanager
    def raw(self) -> Iterator[None]:
        """Inside, each key goes to the command as it is typed, Ctrl-C too."""
        if not self.terminal:
            yield
            return
        former = termios.tcgetattr(STDIN)
        try:
            tty.setraw(STDIN)
            yield
        finally:
            termios.tcsetattr(STDIN, termios.TCSADRAIN, former)

    @contextmanager
    def signals(
        self, interrupted: Callable[[], None], resized: Callable[[], None]
    ) -> Iterator[None]:
        """Inside, a Ctrl-C that is no key, and a window of another size, are told.

        What ends this process ends it by an exception, so that the terminal is as it was.
        """

        def end(number: int, _frame: FrameType | None) -> None:
            told = f"ended by {signal.Signals(number).name}; so is what ran there"
            raise Trouble(told, code=ENDED + number)

        told = {
            signal.SIGINT: lambda _number, _frame: interrupted(),
            signal.SIGWINCH: lambda _number, _frame: resized(),
            signal.SIGTERM: end,
            signal.SIGHUP: end,
        }
        former = {number: signal.signal(number, handler) for number, handler in told.items()}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)
