"""A bare host becomes a server: bootstrap, the stack deployed there, and doctor content."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.bare import Bare, bare_host
from tests.lab.deployments import ended
from tests.lab.full import full
from tests.lab.rig import Lab
from tests.lab.rig.place import Place
from tests.lab.rig.server import CHECKOUT

NOTHING = "[bare] nothing to do: it has all that a server needs\n"
STAT = ["stat", "-c", "%U %a", CHECKOUT, "/opt/wishwithme"]


@pytest.fixture
def bare(lab: Lab, tmp_path: Path) -> Iterator[Bare]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    place = Place(number=int(worker.removeprefix("gw")) + 1)
    with bare_host(lab, place, tmp_path) as host:
        yield host


@full
def test_a_bare_host_becomes_a_server_that_is_deployed_to(bare: Bare) -> None:
    ran = bare.operator.fab("bare.bootstrap")
    assert ran.code == 0, ran
    assert ran.out.endswith("[bare] ready: ubuntu may log in and deploy\n"), ran
    assert bare.server.must(STAT) == "ubuntu 700\nubuntu 700\n"
    daemon = json.loads(bare.server.must(["cat", "/etc/docker/daemon.json"]))
    assert daemon["log-opts"] == {"max-size": "10m", "max-file": "3"}
    assert daemon["storage-driver"] == "overlay2"

    bare.bring_env()
    assert bare.operator.must("bare.deploy", "--yes").out.count("verified: runs") == 1
    assert bare.operator.must("doctor").out == "[bare] nothing is wrong\n"

    assert bare.operator.must("bare.bootstrap").out == NOTHING
    assert bare.operator.must("bootstrap", "--user", "root").out == NOTHING


@full
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill"])
def test_one_that_was_interrupted_is_simply_run_again(bare: Bare, sign: signal.Signals) -> None:
    running = bare.operator.start("bare.bootstrap")
    log = ["test", "-s", "/var/log/wishwithme-bootstrap.log"]
    while bare.server.exec(["grep", "-q", "Unpacking", log[-1]], user="root").returncode:
        assert running.poll() is None
    os.killpg(running.pid, sign)
    ran = ended(running, 0)
    assert ran.code != 0, ran
    ran = bare.operator.must("bare.bootstrap")
    assert ran.out.endswith("[bare] ready: ubuntu may log in and deploy\n"), ran
    assert bare.operator.must("bare.bootstrap").out == NOTHING
