"""Logs are followed until one Ctrl-C; however it ends, nothing of it stays on the server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise

import pytest

from fabfile.remote.commands.leash import PATIENCE
from tests.lab.alone import alone
from tests.lab.deployments import ended
from tests.lab.full import full
from tests.lab.load import loaded
from tests.lab.rig.server import Server
from tests.lab.scenes import APP, Scene, ending

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

SERVICE = "core-api"
RESOLVER = "services/item-resolver/app/main.py"
FIND = "for at in /proc/[0-9]*; do tr '\\0' ' ' <$at/cmdline; echo; done 2>/dev/null"


def left(server: Server) -> list[str]:
    """What follows logs on the server."""
    lines = server.must(["sh", "-c", FIND]).splitlines()
    return [line for line in lines if line.startswith("docker logs ") and "--follow" in line]


def followed(scene: Scene) -> subprocess.Popen[str]:
    """Somebody follows logs, and has seen a line of them."""
    words = ("ubuntu.logs", "--service", SERVICE, "--tail", "1", "--follow")
    following = scene.operator.start(*words)
    assert following.stdout is not None
    assert following.stdout.readline().endswith(" (UTC)\n")
    assert following.stdout.readline().startswith(f"{SERVICE}-")
    while not left(scene.ubuntu):
        assert following.poll() is None
    return following


def gone(server: Server, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while left(server) and time.monotonic() < end:
        time.sleep(0.2)
    return not left(server)


def test_one_ctrl_c_ends_it_here_and_there(scene: Scene) -> None:
    start = time.monotonic()
    following = followed(scene)
    os.killpg(following.pid, signal.SIGINT)
    ran = ended(following, start)
    assert (ran.code, ran.err) == (0, "")
    assert gone(scene.ubuntu, 10)


def test_a_follower_that_is_killed_leaves_nothing(scene: Scene) -> None:
    following = followed(scene)
    following.kill()
    following.communicate()
    assert gone(scene.ubuntu, 10)


@full
def test_a_network_that_is_cut_leaves_nothing(scene: Scene) -> None:
    following = followed(scene)
    with scene.ubuntu.cut_off(22):
        assert gone(scene.ubuntu, PATIENCE + 20)
    following.kill()
    following.communicate()


WITNESS = """
mkdir -p /var/lib/docker/witness
while read -rt 0.2 _; [ $? -gt 128 ]; do
  for log in /var/lib/docker/containers/*/*-json.log; do
    grep -q '"com.docker.compose.oneoff":"False"' "${log%/*}/config.v2.json" || continue
    ln "$log" /var/lib/docker/witness/ 2>/dev/null
  done
done
"""
"""Keeps the logs of containers that are removed, until its input ends; not of one-off ones."""
# The last line of a file that is written to may be half of one.
KEPT = """
for log in /var/lib/docker/witness/*; do
  sed -e '$a\\' "$log"
done | grep '"}$'
rm -r /var/lib/docker/witness
"""


@contextmanager
def witnessed(server: Server, found: list[tuple[str, str]]) -> Iterator[None]:
    """What the containers' own files got while the block lasted: time and text of each line."""
    running = subprocess.Popen(
        ["docker", "exec", "-i", server.container, "bash", "-c", WITNESS], stdin=subprocess.PIPE
    )
    try:
        yield
    finally:
        running.communicate(timeout=60)
        # At newlines only: other separators stand inside what a program wrote.
        for line in server.must(["bash", "-c", KEPT]).removesuffix("\n").split("\n"):
            try:
                one = json.loads(line)
            except ValueError:
                continue  # a full disk has cut it, of an earlier scene
            whole, _, part = one["time"].removesuffix("Z").partition(".")
            found.append((f"{whole}.{part:0<9}Z", one["log"].removesuffix("\n")))


def clock(server: Server) -> str:
    """Now, as the engine writes it."""
    return server.must(["date", "-u", "+%Y-%m-%dT%H:%M:%S.%NZ"]).strip()


@full
@alone
@pytest.mark.timeout(900)
def test_nothing_is_missed_or_repeated_through_a_deploy_of_both_servers(scene: Scene) -> None:
    """Under load; a replica is restarted too, and the connection is cut in the middle."""
    edits = {APP: ending(f"LOGGED = {time.time_ns()}"), RESOLVER: ending("LOGGED = 1")}
    commit = scene.change("Both are replaced", edits)
    servers = [scene.lab.server(name) for name in ("ubuntu", "montreal")]
    kept: dict[str, list[tuple[str, str]]] = {one.name: [] for one in servers}
    shown: list[str] = []
    with ExitStack() as stack:
        for one in servers:
            stack.enter_context(witnessed(one, kept[one.name]))
        following = scene.operator.start("logs", "--json", "--tail", "1", "--follow")
        assert following.stdout is not None
        hearing = threading.Thread(target=shown.extend, args=(following.stdout,))
        hearing.start()
        while not all(left(one) for one in servers):
            assert following.poll() is None
        begin = {one.name: clock(one) for one in servers}
        with loaded(scene):
            assert scene.operator.fab("deploy", "--ref", commit).code == 0
            scene.by_hand("docker restart wishwithme-core-api-1")
            with servers[0].cut_off(22):
                time.sleep(PATIENCE + 5)
        end = {one.name: clock(one) for one in servers}
        time.sleep(10)  # what was written until then has been shown
        os.killpg(following.pid, signal.SIGINT)
        hearing.join(60)
        assert following.wait(60) == 0
    lines = [json.loads(line) for line in shown if line.startswith("{")]
    for name, written in kept.items():
        told = Counter(
            (line["time"], line["text"].removesuffix(" ...")[:3000])
            for line in lines
            if line["server"] == name and begin[name] <= line["time"] <= end[name]
        )
        wanted = Counter(
            (at, text[:3000]) for at, text in written if begin[name] <= at <= end[name]
        )
        print(name, wanted.total(), "lines", sum(count > 1 for count in told.values()), "repeated")
        assert told - wanted == Counter()
        assert wanted - told == Counter()
    order = [line["time"] for line in lines]
    late = sum(after < before for before, after in pairwise(order))
    print(late, "lines of", len(order), "behind a later one")
