"""What is felt of a replacement: how soon health is seen, how long the proxy's own one takes.

And how long an event takes through the proxy, while nothing is replaced.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

from tests.lab.commits import Origin
from tests.lab.deployments import Operator
from tests.lab.matrix_changes import OTHER, PUBLISH, other_proxy
from tests.lab.onlooking import followed
from tests.lab.rig import Lab, Server
from tests.lab.scenes import APP, STACK, Scene, ending
from tests.names import SITE

from . import report

TIMES = 5
FOLLOWERS = ("10.98.3.1", "10.98.4.1")
"""Clients of the events, whom the proxy gives to different replicas."""
WHILE = 30
"""Seconds for which events are followed."""
ASKERS = 5
"""Who begins a connection in the gap may hang: its first packet comes again a second later."""
DEADLINE = 0.2
"""Seconds after which an asker gives such a one up and begins anew."""
ASKED = f"GET / HTTP/1.1\r\nHost: {SITE}\r\nConnection: close\r\n\r\n".encode()
SWITCH = "exec_start: sh -c nginx -t"
"""How the engine tells that the proxy is to load something."""
SERVICE = "com.docker.compose.service"


def run() -> None:
    """Measure, and write the section of the page."""
    lab = Lab()
    scene = Scene(lab, Operator(lab.hosts_ini), Origin(lab.folder / "origin.git", lab.folder / "x"))
    scene.operator.must("deploy")
    seen: list[float] = []
    gaps: list[float] = []
    events = followers(scene)
    try:
        for number in range(TIMES):
            since = scene.by_hand("date +%s.%N").strip()
            deploy(scene, number)
            seen.append(lag(scene.ubuntu, since))
        for number in range(TIMES):
            gaps.append(restart(scene, number))
    finally:
        scene.origin.rewind()
        scene.operator.must("deploy")
    rows = [
        [
            "from the engine's word that the last new replica is healthy until the switch",
            f"{report.told(seen)} ms",
        ],
        ["nobody is answered while the proxy itself gets another image", f"{report.told(gaps)} s"],
    ]
    middle, longest = (f"{max(events[key]) * 1000:.0f} ms" for key in ("median", "longest"))
    rows.append(["from before an item's POST until a follower has its event: median", middle])
    rows.append(["and the longest", longest])
    text = f"{report.machine()}. {len(seen)} deploys, {len(gaps)} proxies: median (range).\n\n"
    report.write("replacing", text + report.table(("what", "measured"), rows))


def followers(scene: Scene) -> dict[str, list[float]]:
    """Seconds to each of two followers; one is at another replica than who makes the items."""
    with followed(scene, FOLLOWERS) as onlooking:
        threading.Event().wait(WHILE)
    seen = onlooking.report["followers"].values()
    return {key: [one[f"lag_{key}"] for one in seen] for key in ("median", "longest")}


def deploy(scene: Scene, number: int) -> None:
    """The replicas of the API are replaced."""
    edit = ending(f"REPLACED = '{number} {time.time_ns()}'")
    scene.operator.must("ubuntu.deploy", "--ref", scene.change("Replaced", {APP: edit}))


def lag(server: Server, since: str) -> float:
    """Milliseconds from the last new replica's health to the switch, by the engine's clock."""
    until = server.must(["date", "+%s.%N"]).strip()
    words = ["docker", "events", "--since", since, "--until", until, "--format", "{{json .}}"]
    events = [json.loads(line) for line in server.must(words).splitlines()]
    *_, last = (
        place
        for place, event in enumerate(events)
        if event["Actor"]["Attributes"].get(SERVICE) == "core-api"
        and event["Action"] == "health_status: healthy"
    )
    switch = next(one for one in events[last:] if one["Action"].startswith(SWITCH))
    return float(switch["timeNano"] - events[last]["timeNano"]) / 1e6


def restart(scene: Scene, number: int) -> float:
    """Seconds in which nobody is answered while the proxy's container gets another image."""
    tag = f"{number}-{time.time_ns()}"
    scene.ubuntu.must(["sh", "-ec", PUBLISH, f"nginx:{OTHER}-{tag}"])
    commit = scene.change("Another proxy", {STACK: other_proxy(tag)})
    with asked(scene.ubuntu) as answered:
        scene.operator.must("ubuntu.deploy", "--ref", commit)
    return max(b - a for a, b in pairwise(sorted(answered)))


@contextmanager
def asked(server: Server) -> Iterator[list[float]]:
    """When the page was answered, asked by several at once, each over new connections."""
    answered: list[float] = []
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(0.05):
            if ask(server):
                answered.append(time.monotonic())

    asking = [threading.Thread(target=go_on) for _ in range(ASKERS)]
    for thread in asking:
        thread.start()
    try:
        yield answered
    finally:
        over.set()
        for thread in asking:
            thread.join()


def ask(server: Server) -> bool:
    """Whether the page is there, at once."""
    unverified = ssl._create_unverified_context()  # noqa: S323 # whose certificate it is, is not asked
    try:
        with (
            socket.create_connection(("127.0.0.1", server.ports[443]), timeout=DEADLINE) as raw,
            unverified.wrap_socket(raw, server_hostname=SITE) as stream,
        ):
            stream.sendall(ASKED)
            return stream.recv(100).startswith(b"HTTP/1.1 200 ")
    except OSError:
        return False
