"""The logs of a stack's containers, as its engine keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ...model.errors import Trouble
from ..host import Host
from ..output import Output

SCRIPT = Path(__file__).with_name("logs.sh").read_text(encoding="utf-8")
LONGEST = 300
"""Seconds that all logs together may take, where nobody follows them."""


@dataclass(frozen=True)
class Asked:
    """Which logs somebody wants of a server."""

    project: str
    service: str
    """Or the name of a container, without the project's; empty: all."""
    tail: str
    """Lines of each container, or ``all``."""
    since: str
    """As ``docker logs`` takes it; empty: from the beginning."""
    until: str
    """The same; empty: to the end."""

    def words(self, *, follow: bool) -> list[str]:
        """The command."""
        given = [self.project, self.service, self.tail, self.since, self.until]
        return ["bash", "-c", SCRIPT, "logs", *given, "yes" if follow else ""]


def read(host: Host, asked: Asked) -> Iterator[str]:
    """What there is now, line by line: container by container, each in the order of its time."""

    def failed(output: Output) -> Trouble:
        return Trouble(f"{host.name}: the logs cannot be read", evidence=output.errors())

    with host.stream(asked.words(follow=False), timeout=LONGEST, failed=failed) as stream:
        for line in stream:
            yield line.decode("utf-8", "replace").removesuffix("\n")


def follow(host: Host, asked: Asked, show: Callable[[str], None]) -> None:
    """The same, and what comes; it ends by :class:`Trouble` alone, as a cut connection is one."""
    host.follow(asked.words(follow=True), show)
