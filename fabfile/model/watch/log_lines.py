"""Lines of the containers' logs: what each says, how bad it is, and whether somebody wants it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..errors import refused
from .levels import ALIKE, LEVELS

REDIS = re.compile(r"\d+:[XCSM] \d+ \w+ \d+ [\d:.]+ ([.\-*#]) ")
WORD = re.compile(
    r"\b(TRACE|DEBUG|INFO|LOG|NOTICE|WARN(?:ING)?|ERROR|FATAL|CRITICAL|PANIC)\b"
    r"|\[(debug|info|notice|warn|error|crit|alert|emerg)\]"
)
RAISED = re.compile(r"Traceback \(most recent call last\)|[A-Za-z_][\w.]*(?:Error|Exception)\b")
EARLY = 120
"""Characters at the beginning of a line in which its level stands, if it tells one."""
OWN = ("time", "level", "message", "msg", "exception")
"""What of a line in JSON is not shown as KEY=value."""
STATUS = re.compile(r"[1-5](?:xx|[0-9]{2})")


@dataclass(frozen=True, order=True)
class LogLine:
    """One line of a container; lines sort by their time."""

    time: str
    """When the engine got it: RFC 3339 in UTC with nine digits of a second."""
    server: str
    container: str
    """Its name without the project's."""
    text: str
    """As the program wrote it."""

    @cached_property
    def data(self) -> Mapping[str, Any]:
        """What a line in JSON holds; empty: it is none."""
        if not self.text.startswith("{"):
            return {}
        try:
            found = json.loads(self.text)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def request(self) -> Request | None:
        """The request that a line of our proxy's access log is about."""
        return Request.of(self.data)

    @property
    def level(self) -> str:
        """One of :data:`LEVELS`. A line that tells none is ``info``; one indented, too."""
        if request := self.request:
            return "error" if request.status >= 500 else "info"
        told = str(self.data.get("level", "")).lower()
        if not told and (redis := REDIS.match(self.text)):
            told = redis[1]
        if not told and (word := WORD.search(self.text[:EARLY])):
            told = (word[1] or word[2]).lower()
        if not told and RAISED.match(self.text):
            told = "error"
        found = ALIKE.get(told, told)
        return found if found in LEVELS else "info"

    @property
    def shown(self) -> list[str]:
        """The line as people read it; several where it holds a traceback."""
        if request := self.request:
            return [request.shown]
        message = self.data.get("message", self.data.get("msg"))
        if message is None:
            return [self.text]
        rest = [f"{key}={_plain(value)}" for key, value in self.data.items() if key not in OWN]
        first = " ".join([self.level.upper(), str(message), *rest])
        return [first, *(f"  {line}" for line in str(self.data.get("exception", "")).splitlines())]

    def view(self) -> dict[str, str]:
        """The line as the stable JSON of ``docs/json.md``."""
        return {
            "time": self.time,
            "server": self.server,
            "container": self.container,
            "level": self.level,
            "text": self.text,
        }


@dataclass(frozen=True)
class Request:
    """What our proxy writes of a request (``nginx/snippets/http.conf``)."""

    status: int
    seconds: float
    method: str
    place: str
    """Host and path."""
    size: int
    client: str

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Request | None:
        """The request of a line in JSON; None: it is about none."""
        try:
            return cls(
                int(data["status"]),
                float(data["seconds"]),
                str(data["method"]),
                f"{data['host']}{data['path']}",
                int(data["bytes"]),
                str(data["client"]),
            )
        except (KeyError, TypeError, ValueError, OverflowError):
            return None

    @property
    def shown(self) -> str:
        """``200 GET wishwith.me/ 12 ms 3.1 kB 203.0.113.7``."""
        size = f"{self.size / 1000:.1f} kB" if self.size >= 1000 else f"{self.size} B"
        took = f"{self.seconds * 1000:.0f} ms"
        return f"{self.status} {self.method} {self.place} {took} {size} {self.client}"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True)
class Wanted:
    """Which lines somebody wants; everything empty: all."""

    grep: re.Pattern[str] | None = None
    level: str = ""
    """This one or a worse one."""
    status: str = ""
    """Of a request: ``502`` or ``5xx``."""
    slow: int = 0
    """Of a request: it took so many seconds, or more."""

    @property
    def all(self) -> bool:
        """Whether none is left out."""
        return self == Wanted()

    def holds(self, line: LogLine) -> bool:
        """Whether somebody wants this line."""
        if self.status or self.slow:
            request = line.request
            if request is None or request.seconds < self.slow:
                return False
            if self.status and not _is(self.status, request.status):
                return False
        if self.level and LEVELS.index(line.level) < LEVELS.index(self.level):
            return False
        return self.grep is None or self.grep.search(line.text) is not None


def _is(status: str, found: int) -> bool:
    return str(found) == status or (status.endswith("xx") and str(found)[:1] == status[0])


def wanted(grep: str, level: str, status: str, slow: int) -> Wanted:
    """What the options ask for. Exit code 2 for a pattern or a status that means nothing."""
    if status and not STATUS.fullmatch(status):
        raise refused(f"--status '{status}' is no HTTP status: 502, or 5xx")
    try:
        return Wanted(re.compile(grep) if grep else None, level, status, slow)
    except (re.error, RecursionError, OverflowError) as error:
        raise refused(f"--grep '{grep}' is no regular expression: {error}") from None
