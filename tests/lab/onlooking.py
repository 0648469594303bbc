"""Clients of the event stream at many addresses, each of which the proxy sees as another one."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.lab.rig import Server
from tests.lab.scenes import REPLICAS, Scene
from tests.lab.seen import STATE, asked, now
from tests.names import API

SCRIPT = Path(__file__).with_name("onlooker.py")
CLIENTS = "10.98.0.0/16"
PATIENCE = 90


@dataclass
class Onlooking:
    """What the onlooker said at its end."""

    report: dict[str, Any] = field(default_factory=dict)
    since: str = ""
    """When it began, by the server's clock."""

    @property
    def complete(self) -> bool:
        """Whether every follower saw every item exactly once."""
        seen = self.report["followers"].values()
        return not any(follower["lost"] or follower["doubled"] for follower in seen)


@contextmanager
def followed(scene: Scene, clients: Sequence[str]) -> Iterator[Onlooking]:
    """Follow the events from these addresses, and make some, for as long as the block lasts."""
    server = scene.ubuntu
    wanted = {
        "address": scene.boxes()["nginx"].address,
        "name": API,
        "trust": server.must(["cat", f"{STATE}/certs/fullchain.pem"]),
        "followers": list(clients),
    }
    found = Onlooking(since=now(server))
    with addresses(server):
        running = start(server)
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(json.dumps(wanted) + "\n")
        running.stdin.flush()
        try:
            said = running.stdout.readline()
            assert said == "following\n", said + ended(running)
            yield found
            found.report = json.loads(ended(running))
        finally:
            running.kill()
    print(json.dumps(found.report), file=sys.stderr)


@contextmanager
def addresses(server: Server) -> Iterator[None]:
    """Every address of ``CLIENTS`` is the server's own."""
    if server.must(["ip", "route", "show", "table", "local", "exact", CLIENTS]):
        yield  # a block around this one has seen to it
        return
    server.must(["ip", "route", "add", "local", CLIENTS, "dev", "lo"])
    try:
        yield
    finally:
        server.must(["ip", "route", "del", "local", CLIENTS, "dev", "lo"])


def start(server: Server) -> subprocess.Popen[str]:
    """The onlooker, in a container of the API's image that shares the server's network.

    As root: nobody else without Docker's group reaches the proxy's own address from the server.
    """
    inside = ["docker", "run", "-i", "--rm", "--network", "host", "--user", "0"]
    inside += ["--entrypoint", "python", "wishwithme/core-api:current", "-c", SCRIPT.read_text()]
    return subprocess.Popen(
        ["docker", "exec", "-i", server.container, *inside],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(running: subprocess.Popen[str]) -> str:
    """Let it come to its end, and return the last line that it printed."""
    out, _ = running.communicate(timeout=PATIENCE)
    return out.strip().rpartition("\n")[2]


def streams_on(scene: Scene) -> dict[str, int]:
    """Replica → how many connections it has that are not probes: in quiet, the streams alone."""
    counts = {}
    for replica in REPLICAS:
        script = (
            f"pid=$(docker inspect -f '{{{{.State.Pid}}}}' wishwithme-{replica});"
            " awk '$2 ~ /:1F40$/ && $4 == \"01\" && $3 !~ /^0100007F/' /proc/$pid/net/tcp | wc -l"
        )
        counts[replica] = int(scene.ubuntu.must(["sh", "-c", script]))
    return counts


def replicas_of(scene: Scene, client: str, since: str) -> set[str]:
    """The addresses of the replicas that the proxy gave a client's streams to, by its own log."""
    return {
        line["upstream"].rpartition(":")[0]
        for line in asked(scene.ubuntu, since)
        if (line["client"], line["path"]) == (client, "/api/v1/events/stream")
    }
