"""What was changed in a server's ``.env`` by a task: when, by whom, which keys; never a value."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from ..reading import Instant, load, make


@dataclass(frozen=True)
class Entry:
    """One change."""

    at: Instant
    """By the server's clock."""
    who: str
    task: str
    """``env.set``."""
    keys: tuple[str, ...]

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), sort_keys=True)


def entries(text: str) -> Iterator[Entry]:
    """The changes that a file tells of, in its order; a line that cannot be read is left out."""
    for line in text.split("\n"):
        try:
            yield make(Entry, load(line))
        except ValueError:
            continue
