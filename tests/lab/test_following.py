"""Logs are followed until one Ctrl-C; however it ends, nothing of it stays on the server."""

from __future__ import annotations

import os
import signal
import subprocess
import time

from fabfile.remote.commands.leash import PATIENCE
from tests.lab.deployments import ended
from tests.lab.full import full
from tests.lab.rig.server import Server
from tests.lab.scenes import Scene

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

SERVICE = "core-api"
FIND = "for at in /proc/[0-9]*; do tr '\\0' ' ' <$at/cmdline; echo; done 2>/dev/null"


def left(server: Server) -> list[str]:
    """What follows logs on the server."""
    lines = server.must(["sh", "-c", FIND]).splitlines()
    return [line for line in lines if f"--follow {SERVICE}" in line]


def followed(scene: Scene) -> subprocess.Popen[str]:
    """Somebody follows logs, and has seen a line of them."""
    words = ("ubuntu.logs", "--service", SERVICE, "--tail", "1", "--follow")
    following = scene.operator.start(*words)
    assert following.stdout is not None
    assert following.stdout.readline().startswith("[ubuntu] ")
    assert left(scene.ubuntu)
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
