"""The faults of the matrix, done to a server whose step is held in a trap."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack

from tests.lab.deployments import DEADLINE, ended
from tests.lab.matrix import LOST, Fault
from tests.lab.matrix_trap import Trap
from tests.lab.rig import Lab, Server
from tests.lab.rig.output import wait_until
from tests.lab.rig.server import CHECKOUT
from tests.lab.seen import STATE

FREE = 60
"""Seconds within which a server is free after a cut: the step under way ends first."""
BESIDE_ON = {"ubuntu": "core-api", "montreal": "item-resolver"}
"""Server → the service with several replicas, which are replaced beside."""
Running = subprocess.Popen[str]


def strike(fault: Fault, lab: Lab, trap: Trap, running: Running) -> int | None:
    """Let it happen, and the step go on if it can; the command's exit code, None: it is lost."""
    if fault is Fault.CUT:
        _cut(lab, trap, running)
    else:
        STRIKES[fault](trap, running)
    if fault in LOST:
        return None
    told = ended(running, time.monotonic())
    print(told)
    return told.code


def _killed(trap: Trap, running: Running) -> None:
    running.kill()
    running.communicate()
    trap.release()


def _cut(lab: Lab, trap: Trap, running: Running) -> None:
    with ExitStack() as stack:
        for server in lab.servers.values():
            stack.enter_context(server.cut_off(22))
        trap.release()
        wait_until(lambda: is_free(trap.server), "the lock is free", FREE)
        running.kill()
        running.communicate()


def _ctrl_c(trap: Trap, running: Running) -> None:
    os.killpg(running.pid, signal.SIGINT)
    trap.release()


def _hangs(trap: Trap, _running: Running) -> None:
    trap.release("hang")
    trap.expire()


def _reboot(trap: Trap, _running: Running) -> None:
    trap.server.kill_power()
    trap.server.power_on()


def _engine(trap: Trap, _running: Running) -> None:
    """The command goes on while the engine stops."""
    going = threading.Timer(0.2, trap.release)
    going.start()
    trap.server.restart_engine()
    going.join()


def _full(trap: Trap, running: Running) -> None:
    with trap.server.full_disk():
        trap.release()
        running.wait(DEADLINE)


def _by_hand(script: str) -> Callable[[Trap, Running], None]:
    def strike(trap: Trap, _running: Running) -> None:
        words = ["bash", "-c", f"cd {CHECKOUT}; {script}", BESIDE_ON[trap.server.name]]
        print(trap.server.exec(words, timeout=240))
        trap.release()

    return strike


STRIKES: Mapping[Fault, Callable[[Trap, Running], None]] = {
    Fault.KILLED: _killed,
    Fault.CTRL_C: _ctrl_c,
    Fault.FAILS: lambda trap, _: trap.release("fail"),
    Fault.HANGS: _hangs,
    Fault.REBOOT: _reboot,
    Fault.ENGINE: _engine,
    Fault.FULL: _full,
    Fault.UP: _by_hand("docker compose up -d"),
    Fault.ANEW: _by_hand("docker compose up -d --force-recreate"),
    Fault.SCALE: _by_hand("docker compose up -d --scale $0=3"),
    Fault.RESTART: _by_hand("docker restart $(docker compose ps -q $0 | head -n 1)"),
}


def is_free(server: Server) -> bool:
    """Whether nobody holds the server, and no step of somebody who died goes on there."""
    script = 'for at in "$@"; do flock --nonblock "$at" true || exit 1; done'
    places = [f"{STATE}/locks", f"{STATE}/locks/step"]
    return server.exec(["bash", "-c", script, "free", *places]).returncode == 0
