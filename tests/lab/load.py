"""Steady load on a server, judged by k6: a hundred requests a second from twenty addresses.

Two of them: one keeps its connections open, the other makes a new one for every request. Beside
them people who keep one connection each and ask over it every few seconds, over HTTP/2 and over
HTTP/1.1. Nobody asks twice. Every item that was made has a title of its own, so the database tells
how often each POST was executed.
"""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.lab.commits import Edit
from tests.lab.onlooking import CLIENTS, addresses
from tests.lab.rig.docker import docker
from tests.lab.scenes import Scene
from tests.names import API, SITE

SCRIPT = Path(__file__).with_name("load.js")
K6 = Path(sys.executable).with_name("k6")
PLACE = "/usr/local/bin/k6"
KEPT, NEW = (60, 40) if "TEST_FULL" in os.environ else (30, 20)
"""Requests a second over kept connections, and over new ones: the whole where nothing else runs."""
ASKERS = 8
"""People over HTTP/1.1, and as many over HTTP/2, for each of the times that load.js knows."""
LONGEST = "10m"
UNKEPT = ("--no-connection-reuse",)
HTTP_1 = {"GODEBUG": "http2client=0"}
"""Not HTTP/2, in which a connection is not one request's."""
WAYS: dict[str, Sequence[str]] = {"kept": (), "new": UNKEPT, "asking": ()}
CROSSED = 99
"""Exit code of k6 where a threshold was crossed."""
STOPPED = "test run was aborted because k6 received"
"""What k6 says of being told to stop."""
SLOWLY = '''

@app.get("/api/v1/slowly/{seconds}")
async def slowly(seconds: int) -> dict[str, int]:
    """Work that takes its time."""
    import asyncio

    await asyncio.sleep(seconds)
    return {"seconds": seconds}
'''


def slow_requests(text: str) -> str:
    """core-api with a question whose answer takes seconds."""
    return text if "slowly" in text else f"{text}{SLOWLY}"


SLOW: dict[str, Edit] = {"services/core-api/app/main.py": slow_requests}


@dataclass
class Load:
    """What became of the requests."""

    requests: int = 0
    failed: list[str] = field(default_factory=list)
    """The lines that k6 wrote of requests that were not answered as they should be."""
    dropped: int = 0
    """Requests that k6 itself could not begin in time: this machine was too slow."""
    slowest: float = 0.0
    """Seconds of the longest answer."""
    slow: float = 0.0
    """Seconds within which 99 of 100 were answered, of the slowest way to ask."""
    made: int = 0
    doubled: list[str] = field(default_factory=list)
    """Titles of items of which there are two."""
    codes: list[int] = field(default_factory=list)
    """Exit codes of k6: 99 where a threshold was crossed."""

    def __str__(self) -> str:
        """The figures, in a line."""
        return (
            f"load: {self.requests} requests, {len(self.failed)} failed, {self.dropped} not begun,"
            f" slowest {self.slowest:.2f} s; {self.made} items made, {len(self.doubled)} doubled"
        )

    @property
    def lost(self) -> list[str]:
        """What must not be: requests that failed, items that were made twice, k6's own verdict."""
        crossed = ["k6: a threshold was crossed"] if CROSSED in self.codes else []
        return [*self.failed, *self.doubled, *crossed]


@contextmanager
def loaded(scene: Scene, *, slow: bool = False) -> Iterator[Load]:
    """Load from before the block until after it; then its figures are there, and printed.

    ``slow``: some requests take 5 to 10 s; what runs must know them (:data:`SLOW`).
    """
    server = scene.ubuntu
    # Its own address: through a published one everybody would come from the engine's.
    nginx = scene.boxes()["nginx"].address
    token, wishlists = _person(scene)
    run = f"run-{time.time_ns()}"
    shared = {
        "TOKEN": token,
        "WISHLISTS": ",".join(wishlists),
        "SITE": SITE,
        "API": API,
        "HOSTS": json.dumps({API: nginx, SITE: nginx}),
        "SLOW": "yes" if slow else "",
    }
    load = Load()
    two = [{**shared, "RUN": f"{run} {way}"} for way in ("kept", "new")]
    with addresses(server), _asked(scene, load, two):
        _begun(scene, run)
        yield load
    load.made = int(scene.asks_database(_made(run)))
    load.doubled = scene.asks_database(
        f"SELECT title FROM items WHERE title LIKE '{run} %' GROUP BY title HAVING count(*) > 1"
    ).splitlines()
    print(load, file=sys.stderr)


@contextmanager
def resolver_loaded(scene: Scene) -> Iterator[Load]:
    """The same on the resolver, from the only address that may ask it."""
    shared = {
        "TOKEN": scene.by_hand("sed -n s/^RU_BEARER_TOKEN=//p .env").strip(),
        "WISHLISTS": "",
        "HOSTS": "{}",
        "RESOLVER": scene.lab.server("montreal").address,
    }
    load = Load()
    with _asked(scene, load, [shared, shared], many=False):
        yield load
    print(load, file=sys.stderr)


@contextmanager
def _asked(
    scene: Scene, load: Load, environments: Sequence[dict[str, str]], *, many: bool = True
) -> Iterator[None]:
    docker("cp", str(K6), f"{scene.ubuntu.container}:{PLACE}")
    scene.ubuntu.must(["rm", "-f", *map(_summary, WAYS)])
    kept, new = environments
    each = {
        "kept": {**kept, "RATE": str(KEPT), "ASKERS": str(ASKERS)},
        "new": {**new, **HTTP_1, "RATE": str(NEW), "ASKERS": "0"},
        "asking": {**kept, **HTTP_1, "RATE": "0", "ASKERS": str(ASKERS)},
    }
    running = {
        way: _start(scene, way, environment, 10 * number if many else 0)
        for number, (way, environment) in enumerate(each.items(), start=1)
    }
    try:
        yield
    finally:
        scene.ubuntu.must(["pkill", "-INT", "-x", "k6"])
        for way, one in running.items():
            _ended(one, load)
            told = scene.ubuntu.must(["cat", _summary(way)])
            _add(load, json.loads(told)["metrics"])


def _person(scene: Scene) -> tuple[str, list[str]]:
    """A new user's token and wishlists: an item takes the lock of its list."""
    person = {"email": f"{time.time_ns()}@example.org", "password": "correct horse", "name": "Load"}
    token = _post(scene, "/api/v1/auth/register", person)["access_token"]
    made = [_post(scene, "/api/v1/wishlists", {"name": "Load"}, token) for _ in range(10)]
    return token, [one["id"] for one in made]


def _post(scene: Scene, path: str, body: dict[str, str], token: str = "") -> dict[str, Any]:
    port = scene.ubuntu.ports[443]
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    headers = {"Content-Type": "application/json", "Host": API}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    url = f"https://127.0.0.1:{port}{path}"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=10, context=trust) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def _start(
    scene: Scene, way: str, environment: dict[str, str], first: int
) -> subprocess.Popen[str]:
    """k6 on the server itself: from ten addresses, each of another /24; ``first`` 0: its own."""
    words = ["docker", "exec", "-i", "-e", f"DURATION={LONGEST}"]
    for key, value in environment.items():
        words += ["-e", f"{key}={value}"]
    words += [scene.ubuntu.container, PLACE, "run", "--quiet", "--no-usage-report"]
    words += ["--summary-export", _summary(way), *WAYS[way]]
    if first:
        base = CLIENTS.partition(".0.0/")[0]
        words += ["--local-ips", ",".join(f"{base}.{first + number}.1" for number in range(10))]
    running = subprocess.Popen(
        [*words, "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdin is not None
    running.stdin.write(SCRIPT.read_text())
    running.stdin.close()
    running.stdin = None
    return running


def _begun(scene: Scene, run: str) -> None:
    """The load begins once its first items are there."""
    end = time.monotonic() + 20
    while int(scene.asks_database(_made(run))) < 20:
        assert time.monotonic() < end, "the load did not begin"


def _made(run: str) -> str:
    return f"SELECT count(*) FROM items WHERE title LIKE '{run} %'"


def _summary(way: str) -> str:
    return f"/tmp/k6-{way}.json"


def _ended(running: subprocess.Popen[str], load: Load) -> None:
    _, errors = running.communicate(timeout=90)
    load.codes.append(running.returncode)
    load.failed += [
        line for line in errors.splitlines() if "level=error" in line and STOPPED not in line
    ]


def _add(load: Load, metrics: dict[str, Any]) -> None:
    load.requests += metrics["http_reqs"]["count"]
    load.dropped += metrics.get("dropped_iterations", {}).get("count", 0)
    load.slowest = max(load.slowest, metrics["http_req_duration"]["max"] / 1000)
    load.slow = max(load.slow, metrics["http_req_duration"]["p(99)"] / 1000)
