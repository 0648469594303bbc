"""Questions to a server: a command that changes nothing, and what its output means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from .commands.line import quoted
from .commands.together import apart, as_one
from .host import GRACE, Host
from .output import Output

T = TypeVar("T")


@dataclass(frozen=True)
class Asked(Generic[T]):
    """One question."""

    words: Sequence[str]
    timeout: float
    """Seconds that its command may take."""
    read: Callable[[Output], T]
    """What its output means, also where it failed."""


def ask(host: Host, asked: Asked[T]) -> T:
    """The answer to one."""
    return asked.read(host.read(asked.words, timeout=asked.timeout, check=False))


def ask_all(host: Host, asked: Sequence[Asked[Any]]) -> list[Any]:
    """The answers to several, in one round trip; each is asked when the one before has ended."""
    if not asked:
        return []
    lines = [(quoted(one.words, one.timeout), "") for one in asked]
    words, _, mark = as_one(lines, goes_on=True)
    longest = sum(one.timeout for one in asked) + GRACE
    whole = host.read(words, timeout=longest, check=False)
    outputs = apart(whole, mark)
    missing = Output(1, "", "\n".join(whole.tail()))
    outputs += [missing] * (len(asked) - len(outputs))
    return [one.read(output) for one, output in zip(asked, outputs, strict=True)]
