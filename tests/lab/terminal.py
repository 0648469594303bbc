"""A command on a terminal, with somebody who answers what it asks."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

CLOSES = 60
"""Seconds that a command may take to end once its window is closed."""


@dataclass(frozen=True)
class Typed:
    """How a command ended, and what stood on the terminal."""

    code: int
    shown: str


def typed(
    words: Sequence[str], folder: Path, environment: Mapping[str, str], answers: Mapping[str, str]
) -> Typed:
    """Run a command there; each time that one of the questions is shown, its answer is typed."""
    ours, theirs = pty.openpty()
    shown, answered = b"", dict.fromkeys(answers, 0)
    with subprocess.Popen(
        words,
        cwd=folder,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as running:
        os.close(theirs)
        with suppress(OSError):  # how Linux says that nobody has the other end any more
            while data := os.read(ours, 4096):
                shown += data
                for question, answer in answers.items():
                    if shown.count(question.encode()) > answered[question]:
                        answered[question] += 1
                        os.write(ours, f"{answer}\n".encode())
    os.close(ours)
    return Typed(running.returncode, shown.decode())


class Window:
    """A terminal that a command has for itself, as a person's: it gets what the keys send."""

    def __init__(self, running: subprocess.Popen[bytes], ours: int) -> None:
        self.running = running
        self._ours = ours
        self._shown = b""
        self._at = 0
        self._more = threading.Condition()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        with suppress(OSError):  # how Linux says that nobody has the other end any more
            while data := os.read(self._ours, 4096):
                with self._more:
                    self._shown += data
                    self._more.notify_all()

    @property
    def shown(self) -> str:
        """Everything so far, as the terminal got it."""
        return self._shown.decode(errors="replace")

    def type(self, text: str) -> None:
        """Press these keys."""
        os.write(self._ours, text.encode())

    def resize(self, columns: int, lines: int) -> None:
        """Give the window another size."""
        _resize(self._ours, columns, lines)

    @property
    def raw(self) -> bool:
        """Whether each key goes to the program at once, Ctrl-C too."""
        return not termios.tcgetattr(self._ours)[3] & termios.ICANON

    def until(self, text: str, seconds: float = 60) -> str:
        """Wait until this is shown behind what was waited for last; what is shown up to it."""
        end = time.monotonic() + seconds
        with self._more:
            while (found := self.shown.find(text, self._at)) < 0:
                assert self._more.wait(end - time.monotonic()), (text, self.shown[-3000:])
        before, self._at = self._at, found + len(text)
        return self.shown[before : self._at]

    def again(self, text: str, seconds: float = 60) -> None:
        """Wait until this is drawn from now on."""
        self._at = len(self.shown)
        self.until(text, seconds)

    def ended(self, seconds: float = 60) -> Typed:
        """Wait for its end: exit code (negative: a signal), and what was shown since."""
        code = self.running.wait(seconds)
        self._reading.join(seconds)
        return Typed(code, self.shown[self._at :])


@contextmanager
def window(words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Iterator[Window]:
    """A command in a window of its own, which is closed with the block."""
    ours, theirs = pty.openpty()
    _resize(ours, 80, 24)
    with subprocess.Popen(
        words,
        cwd=folder,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=_controls,  # noqa: PLW1509 # the terminal is that of the command's session
    ) as running:
        os.close(theirs)
        try:
            yield Window(running, ours)
        finally:
            os.close(ours)
            try:
                running.wait(CLOSES)
            except subprocess.TimeoutExpired:
                running.kill()


def _resize(terminal: int, columns: int, lines: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


def _controls() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
