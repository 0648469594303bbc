"""A stop is quick and clean: streams end, work goes back to the queue, the exit code is 0."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from app import worker
from app.main import create_app
from app.settings import Settings
from tests.conftest import SERVICE
from tests.people import Person, listening
from tests.servers import Answer, StandIn, answers, free_port, served, until


class Replica:
    """A replica in a process of its own, started as the image starts it."""

    def __init__(self, settings: Settings, log: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        words = ["--port", str(self.port), "--timeout-graceful-shutdown", "20"]
        environment = {
            "DATABASE_URL": settings.database_url.get_secret_value(),
            "REDIS_URL": settings.redis_url.get_secret_value(),
            "ITEM_RESOLVER_URL": settings.item_resolver_url,
            "ITEM_RESOLVER_TOKEN": settings.item_resolver_token.get_secret_value(),
        }
        with log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "uvicorn", "app.main:app", *words],
                cwd=SERVICE,
                env=os.environ | environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        until(lambda: answers(self.port), 30)

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@pytest.fixture
def replica(settings: Settings, tmp_path: Path) -> Iterator[Replica]:
    running = Replica(settings, tmp_path / "log")
    yield running
    running.process.kill()
    running.process.wait(10)


class Stuck:
    """An answer of the resolver that does not come until the test lets it."""

    def __init__(self) -> None:
        self.asked, self.go_on = threading.Event(), threading.Event()

    def __call__(self, url: str) -> Answer:
        self.asked.set()
        self.go_on.wait(30)
        return 200, {"title": "Kite"}


@contextmanager
def stuck(resolver: StandIn) -> Iterator[Stuck]:
    before = resolver.answer
    resolver.answer = answer = Stuck()
    yield answer
    resolver.answer = before
    answer.go_on.set()


def test_ten_open_streams_and_work_under_way_end_at_once_with_exit_code_0(
    replica: Replica, resolver: StandIn, settings: Settings
) -> None:
    person = Person(replica.url)
    wishlist = person.wishlist()
    with ExitStack() as stack:
        streams = [stack.enter_context(listening(replica.url, person.token)) for _ in range(10)]
        with stuck(resolver) as answer:
            items = [person.item(wishlist, source_url=f"https://a.test/{n}") for n in range(6)]
            assert answer.asked.wait(10)
            begun = time.monotonic()
            replica.process.send_signal(signal.SIGTERM)
            assert replica.process.wait(10) == 0
            assert time.monotonic() - begun < 5
        # The stream's last chunk came: the browser sees an end, and no broken connection.
        assert all(stream.ended.wait(5) for stream in streams)
    # The next one finds all of the work, the interrupted too, without waiting for a timeout.
    with served(create_app(settings)) as url:
        person.api = httpx.Client(base_url=f"{url}/api/v1", headers=person.api.headers)
        until(lambda: {person.status(item) for item in items} == {"resolved"})


def test_what_a_killed_replica_worked_on_is_done_by_another(
    replica: Replica, resolver: StandIn, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "STALLED", timedelta(seconds=1))
    person = Person(replica.url)
    with stuck(resolver) as answer:
        item = person.item(person.wishlist(), source_url="https://a.test/killed")
        assert answer.asked.wait(10)
        replica.process.kill()
        replica.process.wait(10)
    with served(create_app(settings)) as url:
        person.api = httpx.Client(base_url=f"{url}/api/v1", headers=person.api.headers)
        until(lambda: person.status(item) == "resolved")
        with listening(url, person.token, after="0-0") as listener:
            names = [listener.next().name for _ in range(3)]
    assert names == ["wishlists:updated", "items:updated", "items:resolved"]


def test_every_line_of_the_log_is_json_and_none_holds_a_token(replica: Replica) -> None:
    person = Person(replica.url)
    header = {"X-Request-ID": "id-of-the-proxy"}
    answer = httpx.get(f"{replica.url}/api/v1/auth/me", headers=header | dict(person.api.headers))
    assert answer.headers["X-Request-ID"] == "id-of-the-proxy"
    with listening(replica.url, person.token):
        pass
    replica.process.send_signal(signal.SIGTERM)
    assert replica.process.wait(10) == 0
    lines = replica.lines()
    requests = [line for line in lines if line["message"] == "request"]
    mine = [line for line in requests if line["request_id"] == "id-of-the-proxy"]
    assert [(line["path"], line["status"]) for line in mine] == [("/api/v1/auth/me", 200)]
    assert "/api/v1/events/stream" in {line["path"] for line in requests}
    text = replica.log.read_text()
    for secret in (person.token, person.tokens["refresh_token"], "token="):
        assert secret not in text
