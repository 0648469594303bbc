"""Somebody who uses the application, and what their browser hears."""

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from tests.servers import until

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Heard:
    """One event as a browser hands it to the page."""

    id: str
    name: str
    data: dict[str, Any]


class Listener:
    """An open stream, read in a thread of its own."""

    def __init__(self, url: str, **query: str) -> None:
        self.heard: queue.Queue[Heard] = queue.Queue()
        self.place: str | None = None
        self.ended = threading.Event()
        self.client = httpx.Client(timeout=httpx.Timeout(5, read=40))
        self.url, self.query = f"{url}/api/v1/events/stream", query
        self.headers: httpx.Headers | None = None
        self.thread = threading.Thread(target=self.read, daemon=True)

    def read(self) -> None:
        with (
            suppress(httpx.HTTPError, RuntimeError),
            self.client.stream("GET", self.url, params=self.query) as answer,
        ):
            self.headers = answer.headers
            fields: dict[str, str] = {}
            for line in answer.iter_lines():
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                    continue
                self.place = fields["id"]
                if "event" in fields:
                    self.heard.put(Heard(self.place, fields["event"], json.loads(fields["data"])))
                fields = {}
            self.ended.set()

    def next(self, seconds: float = 10) -> Heard:
        return self.heard.get(timeout=seconds)

    def titles(self, count: int) -> list[str]:
        """Of the next items that are told of, whatever else is told between them."""
        heard: list[str] = []
        while len(heard) < count:
            told = self.next()
            heard += [told.data["title"]] if told.name == "items:updated" else []
        return heard


@contextmanager
def listening(url: str, token: str, after: str = "") -> Iterator[Listener]:
    """A stream that is open: the server has told it its place."""
    listener = Listener(url, token=token, **({"last_event_id": after} if after else {}))
    listener.thread.start()
    until(lambda: listener.place is not None)
    yield listener
    listener.client.close()


class Person:
    """A new user of one of the replicas."""

    def __init__(self, url: str) -> None:
        self.email = f"{uuid4().hex}@wishwith.test"
        self.api = httpx.Client(base_url=f"{url}/api/v1", timeout=20)
        wanted = {"email": self.email, "password": PASSWORD, "name": "Ada"}
        answer = self.api.post("/auth/register", json=wanted)
        assert answer.status_code == 201, answer.text
        self.tokens = answer.json()
        self.token: str = self.tokens["access_token"]
        self.api.headers["Authorization"] = f"Bearer {self.token}"

    def wishlist(self, name: str = "Birthday") -> str:
        answer = self.api.post("/wishlists", json={"name": name})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def item(self, wishlist: str, **fields: Any) -> dict[str, Any]:
        answer = self.api.post(f"/wishlists/{wishlist}/items", json=fields)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def status(self, item: dict[str, Any]) -> str:
        return str(self.api.get(f"/items/{item['id']}").json()["status"])
