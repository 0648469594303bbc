"""What makes lines of what a server prints, each line once."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from .log_lines import LogLine
from .meters import objects

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")
"""How the engine writes when it got a line."""
REMEMBERED = 20_000
"""Lines of a container that are known when they come a second time."""
LOOKING = ("top", "attach", "detach", "resize", "archive-path", "copy", "export")
"""Events of somebody who looks into a container."""
TOLD = {"exitCode": "exit code", "signal": "signal", "oldName": "former name", "image": "of"}
"""Attributes of an event that are shown → what stands before each."""


class Reader(ABC):
    """Reads what one server prints.

    While lines are followed, a server is asked again from a little before its last line on, after
    a container or the connection was started anew.
    """

    def __init__(self, server: str) -> None:
        self._server = server
        self._seen: dict[str, dict[tuple[str, str], None]] = {}
        self.begun = ""
        """The time of the server's clock before its first answer."""
        self.newest = ""
        """The time of the newest line so far, at first the same."""
        self.since = ""
        """Lines from before this time are none; empty: all are."""

    @abstractmethod
    def read(self, text: str) -> Iterator[LogLine]:
        """The line that this is; nothing: it is none, or was there already."""

    def before(self, seconds: float) -> str:
        """So long before the newest line, as ``docker logs`` takes it."""
        at = datetime.strptime(f"{self.newest[:26]}+0000", "%Y-%m-%dT%H:%M:%S.%f%z")
        return (at - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")

    def known(self, key: str, time: str, said: str) -> bool:
        """Whether it is too old, or ``key`` had it already; it is remembered from now on."""
        if time < self.since:
            return True
        self.newest = max(self.newest, time)
        seen = self._seen.setdefault(key, {})
        if (time, said) in seen:
            return True
        seen[time, said] = None
        if len(seen) > REMEMBERED:
            del seen[next(iter(seen))]
        return False


class LogReader(Reader):
    """Reads what ``logs.sh`` prints."""

    def __init__(self, server: str, project: str) -> None:
        super().__init__(server)
        self._stem = f"{project}-"
        self._names: dict[str, str] = {}

    def read(self, text: str) -> Iterator[LogLine]:
        """The line that this is; nothing: it is none, or was there already."""
        key, _, rest = text.partition(" ")
        if key == "+":
            self.begun = self.begun or rest
            self.newest = self.newest or rest
            return
        if key == "=":
            key, _, name = rest.partition(" ")
            self._names[key] = name.removeprefix(self._stem)
            return
        time, _, said = rest.partition(" ")
        if not STAMP.fullmatch(time):
            time, said = self.newest, rest
        elif self.known(key, time, said):
            return
        yield LogLine(time, self._server, self._names.get(key, key), said)


class EventReader(Reader):
    """Reads the events of an engine, each an object in JSON."""

    def read(self, text: str) -> Iterator[LogLine]:
        """The event of a container, but for commands in it; nothing: it is none, or was there."""
        if text.startswith("+ "):
            self.begun = self.begun or text[2:]
            self.newest = self.newest or text[2:]
            return
        for event in objects(text):
            action, actor = str(event.get("Action")), event.get("Actor") or {}
            if action.startswith("exec_") or action in LOOKING:
                continue
            attributes = actor.get("Attributes") or {}
            at, nano = divmod(int(event.get("timeNano") or 0), 10**9)
            time = f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}.{nano:09}Z"
            said = action + "".join(
                f" ({word} {attributes[key]})" for key, word in TOLD.items() if key in attributes
            )
            if not self.known(str(actor.get("ID")), time, said):
                yield LogLine(time, self._server, str(attributes.get("name")), said)
