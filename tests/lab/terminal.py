"""A command on a terminal, with somebody who answers what it asks."""

from __future__ import annotations

import fcntl
import os
import pty
import subprocess
import termios
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


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


class Terminal:
    """A command on a terminal that somebody looks at while it runs."""

    def __init__(self, running: subprocess.Popen[bytes], ours: int) -> None:
        self.running = running
        self._ours = ours
        self._shown = b""
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

    def until(self, text: str, seconds: float, since: int = 0) -> int:
        """Wait until a text is shown behind a place; the place behind it."""
        end = time.monotonic() + seconds
        with self._more:
            while (at := self.shown.find(text, since)) < 0:
                assert self._more.wait(end - time.monotonic()), (text, self.shown[-3000:])
        return at + len(text)

    def press(self, keys: str) -> None:
        """Type something."""
        os.write(self._ours, keys.encode())

    def ended(self, seconds: float) -> int:
        """Its exit code, once it has ended."""
        code = self.running.wait(seconds)
        self._reading.join(seconds)
        return code


@contextmanager
def terminal(
    words: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> Iterator[Terminal]:
    """A command that runs on a terminal of its own; it is ended with the block."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        words,
        cwd=folder,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=_controls,  # noqa: PLW1509 # Ctrl-C is for whoever has the terminal
    ) as running:
        os.close(theirs)
        try:
            yield Terminal(running, ours)
        finally:
            if running.poll() is None:
                running.kill()
    os.close(ours)


def _controls() -> None:
    """The terminal is that of the command's session."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
