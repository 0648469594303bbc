"""A freeze: nothing that runs on a server may be changed until it is lifted."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from .data.base import when
from .reading import Instant, load, make, plain


@dataclass(frozen=True)
class Freeze:
    """Who froze a server, since when (seconds since 1970 by the server's clock), and why."""

    who: str
    since: Instant
    why: str

    def __str__(self) -> str:
        since = f" since {when(self.since)}" if self.since else ""
        return f"frozen by {self.who}{since}: {self.why}"

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), sort_keys=True)


def parse_freeze(text: str) -> Freeze | None:
    """Read the file; None when it is empty. One that cannot be read freezes as well."""
    if not text:
        return None
    try:
        return make(Freeze, load(text))
    except ValueError:
        return Freeze("somebody", 0, " ".join(plain(text).split()))
