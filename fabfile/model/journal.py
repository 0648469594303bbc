"""The journal: what tasks changed on a server, by whom and how that ended; never a secret."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from .reading import Instant, load, make

WORDS = 40
"""Words of a command line that an entry holds."""
LONGEST = 400
"""Characters of such a word, and of an error or note."""


@dataclass(frozen=True)
class Entry:
    """One task on one server. What its ``releases/env.log`` once told has the first fields only."""

    at: Instant
    """When it began, by the server's clock."""
    who: str
    task: str
    """``env.set``; of the tasks of a server without its name: ``freeze``."""
    keys: tuple[str, ...] = ()
    """The keys of ``.env`` that it changed."""
    arguments: tuple[str, ...] = ()
    """The command line behind the task, without secrets."""
    occasion: str = ""
    """``by hand`` or ``by schedule``."""
    code: int = 0
    """Its exit code on this server."""
    seconds: float = 0
    error: str = ""
    """Why it failed, in one line."""
    note: str = ""
    """What else is to be known of it."""
    collection: str = ""
    """Commit of the collection that did it, where it runs from a repository of its own."""

    @property
    def what(self) -> str:
        """What it did, in one line."""
        return " ".join((self.task, *self.arguments))

    def to_json(self) -> str:
        """One line of JSON, without the instant: the server's clock adds that."""
        told = asdict(self)
        del told["at"]
        return json.dumps(told, sort_keys=True)


def entries(text: str) -> Iterator[Entry]:
    """Those of a file, in its order; a line that cannot be read, as after a crash, is left out."""
    for line in text.split("\n"):
        try:
            yield make(Entry, load(line))
        except ValueError:
            continue


def cut(words: Sequence[str]) -> tuple[str, ...]:
    """As much of a command line as an entry holds."""
    more = ("…",) if len(words) > WORDS else ()
    return (*(short(word) for word in words[:WORDS]), *more)


def short(text: str) -> str:
    """As much of a text as an entry holds, in one line."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[:LONGEST] + "…"
