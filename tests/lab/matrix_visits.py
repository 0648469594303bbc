"""Somebody who uses the site all the time: what was answered, and what was written."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

from tests.lab.asking import ask, person
from tests.lab.rig import Server
from tests.names import API, SITE

PAUSE = 0.2
REGISTER, LISTS = "/api/v1/auth/register", "/api/v1/wishlists"
BROKEN = (OSError, http.client.HTTPException, ValueError)


@dataclass
class Visits:
    """Requests of one visitor, one after the other."""

    server: Server
    token: str
    written: list[str] = field(default_factory=list)
    """Ids of the rows whose writing was acknowledged."""
    answered: list[float] = field(default_factory=list)
    """When the page or the API answered a question."""
    failed: list[tuple[float, str]] = field(default_factory=list)
    """When they did not, and how."""
    unwritten: list[str] = field(default_factory=list)
    """How writing failed."""

    @property
    def outage(self) -> float:
        """Seconds of the longest time in which nobody was answered, when somebody was not."""
        if not self.failed:
            return 0.0
        times = sorted(self.answered)
        return max((b - a for a, b in pairwise(times)), default=0.0)

    def answered_since(self, seconds: float) -> bool:
        """Whether everything asked within so many seconds was answered, and something was."""
        since = time.monotonic() - seconds
        good = any(at > since for at in self.answered)
        return good and not any(at > since for at, _ in self.failed)

    def go_on(self, over: threading.Event) -> None:
        """The page, the API, a row; again and again."""
        while not over.is_set():
            self.look(SITE, "/")
            self.look(API, "/health")
            self.write()
            over.wait(PAUSE)

    def look(self, host: str, path: str) -> None:
        """Ask for something that is always the same."""
        try:
            status = ask(self.server, host, path).status
            said = "" if status == 200 else f"{host}{path} answered {status}"
        except BROKEN as error:
            said = f"{host}{path}: {type(error).__name__} {error}"
        if said:
            self.failed.append((time.monotonic(), said))
        else:
            self.answered.append(time.monotonic())

    def write(self) -> None:
        """Make a row; what is acknowledged must stay."""
        bearer = {"Authorization": f"Bearer {self.token}"}
        try:
            answer = ask(self.server, API, LISTS, "POST", {"name": "Kept"}, bearer)
            if answer.status == 201:
                self.written.append(answer.json["id"])
            else:
                self.unwritten.append(f"{answer.status} {answer.body[:80]}")
        except BROKEN as error:
            self.unwritten.append(f"{type(error).__name__} {error}")


@contextmanager
def visited(server: Server) -> Iterator[Visits]:
    """Somebody new uses the site while the block lasts."""
    visits = Visits(server, ask(server, API, REGISTER, "POST", person()).json["access_token"])
    visits.write()
    assert visits.written, visits
    over = threading.Event()
    thread = threading.Thread(target=visits.go_on, args=(over,))
    thread.start()
    try:
        yield visits
    finally:
        over.set()
        thread.join()
