"""A shell that stays: it runs one command after the other, and each costs one round trip.

A command is asked for as a whole: the line and the input with their sizes, between words of ours.
Half of that, from a connection that ended in the middle, begins nothing. On each output a random
mark stands before and behind what the command prints; the one behind is printed by the shell once
the command has ended, and nothing that was printed before looks like it.
"""

from __future__ import annotations

import base64
import secrets
import shlex
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from paramiko import SSHException

from .duplex import TAKEN, Duplex

LOOP = Path(__file__).with_name("shell.sh").read_text(encoding="utf-8")
# SHLVL: a bash that sshd seems to have started reads ~/.bashrc, also one of our scripts. A command
# gets one more, as from a line of its own (line.py).
LINE = f"exec env SHLVL=7 bash -c {shlex.quote(LOOP)} shell"
"""What the login shell gets, bash or another one. What it prints at its start is cut off."""
FIRST = 1 << 16
"""Letters of a line that may come with the shell itself: the kernel takes twice as many at once."""


LONGEST = 400
"""Bytes of a line that somebody is told."""
Told = Callable[[str], None]


def nobody(_text: str) -> None:
    """Who is told, where nobody wants to know."""


class Ran(NamedTuple):
    """What a command printed and how it ended."""

    code: int
    out: bytes
    errors: bytes


class NotBegun(Exception):
    """The shell has ended, and surely did not begin the command. ``ran`` is the shell's own end."""

    def __init__(self, ran: Ran) -> None:
        super().__init__()
        self.ran = ran


class Silent(Exception):
    """Nothing was heard for so many ``seconds``."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class Shell:
    """One shell, for one command at a time. After any error it is of no use any more.

    ``duplex`` has not begun yet: the first command goes with it, which saves a round trip, unless
    it has an input. That may be secret, and would stand in the list of processes.
    """

    def __init__(self, duplex: Duplex) -> None:
        self._duplex = duplex
        self.fresh = True
        """Whether it has not run anything yet."""

    def run(self, line: str, stdin: bytes, patience: float, told: Told = nobody) -> Ran:
        """Run a line; ``told`` gets the last line of its output, again and again.

        :class:`Silent` when nothing is heard for ``patience`` seconds.

        :class:`NotBegun`, or else OSError and EOFError: the shell, or the connection to it, ended.
        Ctrl-C is raised when the command has ended; again: at once.
        """
        halves = secrets.token_hex(8), secrets.token_hex(8)
        mark = "".join(halves).encode()
        out, errors = _Heard(mark), _Heard(mark)
        try:
            try:
                self._ask(halves, line.encode(), stdin)
            except TimeoutError:
                raise Silent(TAKEN) from None
            except OSError:
                raise self._not_begun(out, errors) from None
            self._hear(out, errors, patience, told)
        except KeyboardInterrupt:
            with suppress(Silent, NotBegun, SSHException, OSError, EOFError):
                self._duplex.no_more()  # asked for by half, it does not begin
                self._hear(out, errors, patience, told)
            raise
        self.fresh = False
        return Ran(int(out.ending), bytes(out.text), bytes(errors.text))

    def _ask(self, halves: tuple[str, str], line: bytes, stdin: bytes) -> None:
        if b"\0" in line:
            raise ValueError("a word cannot hold the character NUL")
        # In two halves: a program that shows what it is told does not print the mark by that.
        if self.fresh and not stdin and len(line) <= FIRST:
            first = base64.b64encode(line).decode()
            # The wrong way round: whoever prints the words of the shell as one has no mark either.
            self._duplex.begin(f"{LINE} {halves[1]} {halves[0]} {first}")
            return
        if self.fresh:
            self._duplex.begin(LINE)
        given = base64.b64encode(stdin)
        head = f"run {' '.join(halves)} {len(line)} {len(given)}\n".encode()
        self._duplex.write(head + line + given + b"go\n")

    def _hear(self, out: _Heard, errors: _Heard, patience: float, told: Told) -> None:
        soon = patience if self.fresh else min(patience, TAKEN)
        while not (out.whole and errors.whole):
            still = patience if out.begun else soon
            try:
                more = self._duplex.hear(still)
            except TimeoutError:
                raise Silent(still) from None
            except EOFError:
                if out.begun:
                    raise EOFError("the shell that ran it has ended") from None
                raise self._not_begun(out, errors) from None
            out.take(more[0])
            errors.take(more[1])
            if last := (more[1] and errors.last) or (more[0] and out.last):
                told(last)

    def _not_begun(self, out: _Heard, errors: _Heard) -> NotBegun:
        code = -1
        if self.fresh:  # somebody must know why; of others another one takes the place
            with suppress(OSError, EOFError):
                while True:
                    more = self._duplex.hear(TAKEN)
                    out.take(more[0])
                    errors.take(more[1])
            code = self._duplex.code(TAKEN)
        return NotBegun(Ran(code, bytes(out.text), bytes(errors.text)))

    def close(self) -> None:
        """Let go of it. What it runs goes on to its end or to its deadline."""
        with suppress(SSHException, OSError, EOFError):
            self._duplex.close()


class _Heard:
    """What was heard on one output: a line with the mark before and one behind the command's own.

    What comes before is the start-up files', or of something that an earlier command left.
    """

    def __init__(self, mark: bytes) -> None:
        self._mark = mark
        self._from = 0
        self.text = bytearray()
        self.begun = self.whole = False
        self.ending = b""
        """What stands behind the second mark, on its line."""

    @property
    def last(self) -> str:
        """The last line of the command so far; empty: there is none, or it has ended."""
        if not self.begun or self.whole:
            return ""
        lines = self.text[-LONGEST:].decode(errors="replace").splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def take(self, data: bytes) -> None:
        """Some more. Each byte is looked at once, however many come."""
        self.text += data
        while not self.whole:
            at = self.text.find(self._mark, self._from)
            self._from = at if at >= 0 else max(0, len(self.text) - len(self._mark) + 1)
            end = self.text.find(b"\n", at) if at >= 0 else -1
            if end < 0:
                return
            if self.begun:
                self.ending = bytes(self.text[at + len(self._mark) : end])
                del self.text[at:]
                self.whole = True
            else:
                del self.text[: end + 1]
                self.begun, self._from = True, 0
