"""Thirty slow bodies of 10 MB: the memory of the proxy stays what it was, and the site answers."""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from tests.lab.asking import connected
from tests.lab.full import full
from tests.lab.scenes import Scene
from tests.names import API, SITE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

PROXY = "wishwithme-nginx"
MEGABYTE = 1 << 20
MANY, LARGE, LARGEST = 30, 10 * MEGABYTE, 32 * 1024
EVERY = 20
"""Seconds between two bytes."""
SIZES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def memory(scene: Scene) -> int:
    """Bytes that the proxy's container has: its processes' and its tmpfs's."""
    said = scene.ubuntu.must(["docker", "stats", "--no-stream", "--format", "{{.MemUsage}}", PROXY])
    number, unit = re.match(r"([\d.]+)([KMG]?i?B)", said).groups()  # type: ignore[union-attr]
    return int(float(number) * SIZES[unit])


@contextmanager
def posting(scene: Scene, host: str, path: str, length: int) -> Iterator[list[ssl.SSLSocket]]:
    """So many requests whose bodies come but for their last bytes, as far as they are taken."""
    with ExitStack() as stack:
        held = []
        for _ in range(MANY):
            connection = stack.enter_context(connected(scene.ubuntu, host))
            connection.putrequest("POST", path)
            connection.putheader("Content-Length", str(length))
            connection.endheaders()
            assert isinstance(connection.sock, ssl.SSLSocket)
            connection.sock.settimeout(1)
            try:
                for start in range(0, length - 10, MEGABYTE):
                    connection.sock.sendall(bytes(min(MEGABYTE, length - 10 - start)))
            except OSError:
                continue
            held.append(connection.sock)
        yield held


def alive(connection: ssl.SSLSocket) -> bool:
    """Whether the proxy takes another byte; what it says instead counts as an end."""
    connection.settimeout(0.5)
    try:
        connection.send(b"x")
        connection.recv(1)
    except TimeoutError:
        return True
    except OSError:
        pass
    return False


@full
def test_somebody_who_holds_thirty_bodies_fills_no_memory_and_is_ended(scene: Scene) -> None:
    before = memory(scene)
    with posting(scene, SITE, "/", LARGE) as held:
        assert memory(scene) < before + 30 * MEGABYTE
        assert scene.get(SITE)[0] == 200
        assert [one for one in held if alive(one)] == []
    with posting(scene, API, "/api/v1/wishlists", LARGEST) as held:
        # The last ones come sooner than the API's rate allows.
        assert [alive(one) for one in held[:5]] == [True] * 5
        assert memory(scene) < before + 30 * MEGABYTE
        assert scene.get(SITE)[0] == 200
        time.sleep(EVERY)
        assert [one for one in held if alive(one)] == []
    assert scene.get(API, "/healthz")[0] == 200
    scene.proves()


def test_every_container_has_its_limit_and_a_plain_up_changes_nothing(scene: Scene) -> None:
    names = [f"wishwithme-{name}" for name in scene.boxes()]
    limits = {
        box["Name"].removeprefix("/wishwithme-"): box["HostConfig"]["Memory"]
        for box in json.loads(scene.ubuntu.must(["docker", "inspect", *names]))
    }
    assert limits == {
        "postgres": 1024 * MEGABYTE,
        "redis": 512 * MEGABYTE,
        "core-api-1": 512 * MEGABYTE,
        "core-api-2": 512 * MEGABYTE,
        "frontend-1": 128 * MEGABYTE,
        "nginx": 1024 * MEGABYTE,
    }
    cache = scene.ubuntu.must(["docker", "exec", PROXY, "df", "-k", "/var/cache/nginx"])
    assert cache.splitlines()[-1].split()[1] == str(96 * 1024)
    scene.plain_up_changes_nothing()
