"""A command on a terminal, with somebody who answers what it asks."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
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


class Window:
    """A terminal that a command has for itself, as a person's: it gets what the keys send."""

    def __init__(self, words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self.pid, self._keys = pty.fork()
        if not self.pid:  # the new process
            os.chdir(folder)
            os.execvpe(words[0], list(words), dict(environment))
        self.shown = ""
        self._rest = b""
        self.resize(80, 24)

    def type(self, text: str) -> None:
        """Press these keys."""
        os.write(self._keys, text.encode())

    def resize(self, columns: int, lines: int) -> None:
        """Give the window another size."""
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self._keys, termios.TIOCSWINSZ, size)

    @property
    def raw(self) -> bool:
        """Whether each key goes to the program at once, Ctrl-C too."""
        return not termios.tcgetattr(self._keys)[3] & termios.ICANON

    def until(self, text: str, seconds: float = 60) -> str:
        """Wait until this was shown since the last call; what was shown up to it."""
        end = time.monotonic() + seconds
        while text not in self.shown:
            left = end - time.monotonic()
            assert left > 0, self.shown
            assert self._read(left), self.shown
        before, found, self.shown = self.shown.partition(text)
        return before + found

    def ended(self, seconds: float = 60) -> Typed:
        """Wait for its end: exit code (negative: a signal), and what else was shown."""
        end = time.monotonic() + seconds
        while self._read(end - time.monotonic()):
            assert time.monotonic() < end, self.shown
        _, status = os.waitpid(self.pid, 0)
        self.close()
        return Typed(os.waitstatus_to_exitcode(status), self.shown)

    def close(self) -> None:
        """Close the window."""
        if self._keys >= 0:
            os.close(self._keys)
            self._keys = -1

    def _read(self, seconds: float) -> bool:
        """Read what is shown; False: nobody has the other end any more."""
        ready, _, _ = select.select([self._keys], [], [], max(seconds, 0))
        try:
            data = os.read(self._keys, 4096) if ready else b""
        except OSError:  # how Linux says that
            return False
        self.shown += data.decode(errors="replace")
        return True
