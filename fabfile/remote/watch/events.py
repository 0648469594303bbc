"""What happened to the containers of a server, as its engine remembers it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...model.framing import lines_of
from ..host import Host

SCRIPT = """
date -u '++ %Y-%m-%dT%H:%M:%S.%NZ'
if [ -z "$2" ]; then set -- "$1" --until 0s; else set -- "$1"; fi
exec docker events --since "$1" "${@:2}" --filter type=container --format '{{json .}}'
"""


def read(host: Host, since: str) -> Iterator[str]:
    """Those since then, as ``docker events`` takes a time."""
    yield from lines_of(host.read(["bash", "-c", SCRIPT, "events", since, ""], timeout=60).stdout)


def follow(host: Host, since: str, come: Callable[[str], None]) -> None:
    """The same, and those that come; it ends by :class:`Trouble` alone."""
    host.follow(["bash", "-c", SCRIPT, "events", since, "yes"], come)
