"""Bootstrap of one bare host, interrupted at each of its steps in turn, and then finished."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.bare import Bare, bare_host
from tests.lab.deployments import Ran, ended
from tests.lab.full import full
from tests.lab.rig import Lab, Server
from tests.lab.rig.output import wait_until
from tests.lab.rig.place import Place
from tests.lab.test_bootstrap import NOTHING

STATE = "/opt/wishwithme"
GATE = r"""#!/bin/sh
# Every step begins with this command: it says which one it is, and waits until it is let go on.
if [ "$*" = '--timeout 900 8' ]; then
  tr '\0\n' '\n ' </proc/$PPID/cmdline | tail -n +6 | tr '\n' ' ' >/lab/new
  mv /lab/new /lab/step
  cat /lab/gate
fi
exec /usr/bin/flock "$@"
"""
PUT = "mkfifo /lab/gate; cat >/usr/local/sbin/flock; chmod 755 /usr/local/sbin/flock"
LET_GO = "rm /lab/step; echo >/lab/gate"
CUT = r"""
for one in /proc/[0-9]*; do
  case $(tr '\0' ' ' <$one/cmdline) in sshd*@notty*) kill -KILL ${one#/proc/} ;; esac
done 2>/dev/null
true
"""
WAIT_FOR_ITS_END = ["/usr/bin/flock", "/var/log/wishwithme-bootstrap.log", "true"]
READY = "[bare] ready: ubuntu may log in and deploy\n"


@pytest.fixture
def bare(lab: Lab, tmp_path: Path) -> Iterator[Bare]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    place = Place(number=int(worker.removeprefix("gw")) + 1)
    with bare_host(lab, place, tmp_path) as host:
        host.pin()
        yield host


def waiting(server: Server) -> str:
    """The step that waits on the host, with what it is given; empty: none does."""
    return server.exec(["cat", "/lab/step"], user="root").stdout.strip()


def next_step(server: Server, running: subprocess.Popen[str]) -> str:
    """The one at which the command comes to wait; empty: it came to its end."""
    wait_until(lambda: bool(waiting(server)) or running.poll() is not None, "a step or an end", 600)
    return waiting(server)


def run_up_to_a_new_step(bare: Bare, struck: list[str]) -> tuple[str, Ran]:
    """Go on to the next step at which nothing has happened yet, and let that happen there.

    In turn, the operator dies or the connection is lost; the step goes on by itself.
    """
    running = bare.operator.start("bare.bootstrap")
    while step := next_step(bare.server, running):
        is_new = step not in struck
        if is_new and len(struck) % 2:
            bare.server.must(["sh", "-c", CUT])
        elif is_new:
            os.killpg(running.pid, signal.SIGKILL)
        ran = ended(running, 0) if is_new else None
        bare.server.must(["sh", "-c", LET_GO])
        if ran:
            bare.server.exec(WAIT_FOR_ITS_END, user="root", timeout=900)
            return step, ran
    return "", ended(running, 0)


@full
@pytest.mark.timeout(1800)
def test_one_that_is_interrupted_at_each_step_is_finished_in_the_end(bare: Bare) -> None:
    bare.server.must(["sh", "-c", PUT], stdin=GATE)
    plan = bare.operator.must("bare.bootstrap", "--dry-run").out
    wanted = {*re.findall(rf"would run: bootstrap {STATE} (\S+)", plan)}
    struck: list[str] = []
    step, ran = run_up_to_a_new_step(bare, struck)
    while step:
        assert ran.code == (1 if len(struck) % 2 else -signal.SIGKILL), (step, ran)
        struck.append(step)
        if step.startswith("packages "):
            # They start it themselves; elsewhere that may be left to us.
            bare.server.must(["systemctl", "stop", "cron"])
        step, ran = run_up_to_a_new_step(bare, struck)
    assert (ran.code, ran.out.endswith(READY)) == (0, True), (struck, ran)
    assert {one.split()[0] for one in struck} == wanted | {"keep"}
    assert bare.operator.must("bare.bootstrap").out == NOTHING
