"""Both API instances recreated together: 13 s of 502."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from tests.lab.deployments import ended
from tests.lab.scenes import APP, Scene, ending, reasons
from tests.names import API

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

LOG = "/tmp/events.log"
EVENTS = f"docker events --filter type=container --format '{{{{json .}}}}' >{LOG} 2>&1 </dev/null"
"""As they happen: the engine keeps the last 256, and each probe of a container is three."""
SERVICE = "com.docker.compose.service"


@contextmanager
def happening(scene: Scene) -> Iterator[list[tuple[str, str]]]:
    """What the engine does meanwhile with the API's replicas and the proxy; filled at the end."""
    pid = scene.by_hand(f"{EVENTS} & echo $!").strip()
    found: list[tuple[str, str]] = []
    yield found
    found += happened(scene.by_hand(f"kill {pid}; cat {LOG}; rm {LOG}").splitlines())


def happened(listed: Iterable[str]) -> Iterator[tuple[str, str]]:
    events = [
        (e["Actor"]["ID"], e["Actor"]["Attributes"], e["Action"]) for e in map(json.loads, listed)
    ]
    for identity, about, what in events:
        if about.get("com.docker.compose.oneoff") != "False":
            continue
        if about[SERVICE] == "core-api" and what in ("die", "health_status: healthy"):
            yield identity, what
        if what.startswith("exec_start:") and what.endswith("nginx -s reload"):
            yield "nginx", "reload"


def replicas(scene: Scene) -> set[str]:
    """The containers of the API, by id."""
    return {box.id for box in scene.boxes().values() if box.service == "core-api"}


def pinned(scene: Scene, running: subprocess.Popen[str]) -> list[set[str]]:
    """Whom the proxy asks one by one, as it answers itself, until a deploy ends: each change.

    For a moment after a load a worker of before may still answer: what it says again is no change.
    """
    url = f"http://{scene.boxes()['nginx'].address}:8090/pinned"
    seen: list[set[str]] = []
    while running.poll() is None:
        asked = scene.ubuntu.exec(["curl", "-sf", url])
        if asked.returncode == 0 and (not seen or seen[-1] != {*asked.stdout.split()}):
            seen.append({*asked.stdout.split()})
            if seen[-4:-2] == seen[-2:]:
                del seen[-2:]
    return seen


def fewest(before: set[str], events: Sequence[tuple[str, str]]) -> int:
    """How many replicas ran, each of them healthy, when they were fewest."""
    running, least = set(before), len(before)
    for identity, what in events:
        if what == "die":
            running.discard(identity)
        elif identity != "nginx" and what != "reload":
            running.add(identity)
        least = min(least, len(running))
    return least


def test_the_old_ones_go_only_when_the_proxy_asks_the_new_ones(scene: Scene) -> None:
    """core-api alone is replaced; page, database, Redis and proxy keep their containers."""
    commit = scene.change("Replicas of an API side by side", {APP: ending("EIGHT = 8")})
    plan = scene.plan(commit)
    assert reasons(plan, "start", "roll", "reload", "up") == scene.by_content("core-api")
    before = replicas(scene)
    with scene.only_replaces("core-api"), happening(scene) as events:
        start = time.monotonic()
        running = scene.operator.start("ubuntu.deploy", "--ref", commit)
        asked = pinned(scene, running)
        ran = ended(running, start)
        assert ran.code == 0, ran
    new = replicas(scene)
    assert fewest(before, events) == len(before) == 2
    told = ["old" if one in before else "new" if one in new else one for one, _ in events]
    # Held; then both new ones are healthy; one load moves the requests; both old ones end; and
    # two loads more name first both the new ones and the service, then the service alone.
    assert told == ["nginx", "new", "new", "nginx", "old", "old", "nginx", "nginx"]
    old_ones, new_ones = ({"core-api", *(one[:12] for one in ids)} for ids in (before, new))
    assert asked == [set(), old_ones, new_ones, set()]
    assert scene.get(API, "/healthz")[0] == 200
    scene.plain_up_changes_nothing()
