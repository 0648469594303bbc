"""What is tied to the operator's terminal or pipes, on a simulated server."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING

from .commands import command, mark
from .engine import Ended

if TYPE_CHECKING:
    from .machine import Machine

SPLIT = re.compile(r"timeout --kill-after=5 (--foreground )?\d+ (.*)", re.DOTALL)
LINES: list[Callable[[str], object]] = []
"""Told each line that a server is asked to run."""


class Near:
    """The operator's own end."""

    terminal = False
    size = (80, 24)
    given = b""

    def __init__(self) -> None:
        self.stdin, typed = os.pipe()
        os.write(typed, self.given)
        os.close(typed)

    def write(self, out: bytes, errors: bytes) -> None:
        sys.stdout.write(out.decode())
        sys.stderr.write(errors.decode())

    @contextmanager
    def raw(self) -> Iterator[None]:
        yield

    @contextmanager
    def signals(self, interrupted: object, resized: object) -> Iterator[None]:
        yield


class Program:
    """Stands for a :class:`Duplex`: a program in a container, or who stands by it."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._said = b""
        self._whole = Event()
        self._heard: list[tuple[bytes, bytes]] = []
        self._code = 0

    def begin(self, line: str) -> None:
        for see in LINES:
            see(line)
        marked = mark(line).encode()
        found = SPLIT.fullmatch(command(line))
        assert found, line
        self._watches = " watch " in line
        if self._watches:
            self._heard = [(marked + b"ready\n", marked)]
            return
        attached = self._machine.attached
        attached.lines.append(found[2])
        self._code, out, err = attached.ended.code, attached.ended.out, attached.ended.err
        if found[1]:
            marked = marked.replace(b"\n", b"\r\n") * 2
        if attached.ends_before:
            marked = b""
        self._heard = [(marked + out.encode(), (b"" if found[1] else marked) + err.encode())]

    def write(self, data: bytes) -> None:
        self._said += data
        if self._watches:
            self._machine.attached.watched.append(data.decode())

    def no_more(self) -> None:
        if self._watches:
            self._machine.attached.watched.append("end")
        else:
            self._machine.attached.given = self._said
        self._whole.set()

    def hear(self, patience: float) -> tuple[bytes, bytes]:
        if self._heard:
            return self._heard.pop(0)
        if self._watches:
            return b"there\n", b""
        assert self._whole.wait(60)
        if self._machine.attached.lost:
            raise ConnectionError("it was cut")
        raise EOFError

    def code(self, patience: float) -> int:
        return self._code

    def close(self) -> None:
        """It is not used any more."""


class Attached:
    """What was asked for, and how it ends."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.watched: list[str] = []
        """What who stands by was told; ``end`` at the end."""
        self.given = b""
        self.ended = Ended(0)
        self.lost = False
        self.ends_before = False
        """Whether the login shell ends before the command begins."""
