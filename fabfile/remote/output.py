"""What a command on a server may take, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..model.framing import lines_of


@dataclass(frozen=True)
class Output:
    """What a command printed and how it ended."""

    code: int
    stdout: str
    stderr: str = ""

    @property
    def ok(self) -> bool:
        """Whether it ended with 0."""
        return self.code == 0

    def tail(self, lines: int = 12) -> tuple[str, ...]:
        """Its last lines, as evidence."""
        return tuple(lines_of(f"{self.stdout}\n{self.stderr}")[-lines:])

    def errors(self, lines: int = 12) -> tuple[str, ...]:
        """The last lines of its errors, for a command whose output is nobody's evidence."""
        return tuple(lines_of(self.stderr)[-lines:])


class Limits(NamedTuple):
    """How long a command may take that tells now and then that it goes on."""

    longest: float
    """Seconds in all."""
    still: float
    """Seconds that it may keep still."""


Timeout = float | Limits
"""Seconds that a command may take, keeping still all the while; or its limits."""


def limits_of(timeout: Timeout) -> Limits:
    """Both limits of a command that may have been given one."""
    return timeout if isinstance(timeout, Limits) else Limits(timeout, timeout)


def decoded(ran: tuple[int, bytes, bytes]) -> Output:
    """What a shell or a pipe heard, as text."""
    code, out, errors = ran
    return Output(code, out.decode("utf-8", "replace"), errors.decode("utf-8", "replace"))
