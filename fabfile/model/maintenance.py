"""Maintenance: the proxy answers everybody that the application is away, but for a few."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from ipaddress import ip_address

from .data.base import when
from .errors import refused
from .reading import Instant, load, make

FILE = "maintenance.conf"
"""What the proxy reads of it in its folder of state."""
PASS = "X-Maintenance-Pass"  # noqa: S105 # the name of a header
"""The header by which our own gates are let through."""
AGAIN = 600
"""Seconds after which visitors may ask again, where nobody says when it ends."""
SOON = 60
"""The same at least, and after the end that was said."""


@dataclass(frozen=True)
class Maintenance:
    """Who began it, when, why, and who is let through."""

    who: str
    since: Instant
    """Seconds since 1970 by the server's clock."""
    why: str
    until: Instant
    """When it is to end; 0: nobody said it. It ends by ``maintenance.off`` alone."""
    allow: tuple[str, ...]
    """Addresses of clients that are served as ever."""
    token: str = field(repr=False)
    """The value of :data:`PASS`; a secret."""

    def __str__(self) -> str:
        until = f", until {when(self.until)}" if self.until else ""
        return f"in maintenance since {when(self.since)}{until} by {self.who}: {self.why}"

    def over(self, now: int) -> bool:
        """Whether the end that was said has passed."""
        return 0 < self.until <= now

    def seconds(self, now: int) -> int:
        """After how many seconds visitors may ask again."""
        return max(self.until - now, SOON) if self.until else AGAIN

    def text(self, shut: str, now: int) -> str:
        """What the proxy reads. ``shut``: what x-deploy has it do with those who are not let in."""
        shut = shut.replace("{seconds}", str(self.seconds(now)))
        let_in = [
            f'if ($http_{PASS.lower().replace("-", "_")} = "{self.token}") {{ set $shut 0; }}'
        ]
        if self.allow:
            addresses = "|".join(map(re.escape, self.allow))
            let_in.append(f'if ($remote_addr ~ "^(?:{addresses})$") {{ set $shut 0; }}')
        return "\n".join(["set $shut 1;", *let_in, f"if ($shut) {{ {shut} }}", ""])

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), sort_keys=True)


def parse_maintenance(text: str) -> Maintenance | None:
    """Read the file; None when there is none, or it cannot be read."""
    try:
        return make(Maintenance, load(text)) if text else None
    except ValueError:
        return None


def addresses(allow: Sequence[str]) -> tuple[str, ...]:
    """Addresses as nginx writes them. Exit code 2 for what is none; a range is none."""
    found = []
    for text in allow:
        try:
            found.append(str(ip_address(text)))
        except ValueError:
            raise refused(f"--allow '{text}' is no address such as 203.0.113.7") from None
    return tuple(dict.fromkeys(found))
