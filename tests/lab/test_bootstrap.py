"""A bare host becomes a server: bootstrap, the stack deployed there, and doctor content."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from fabfile.remote.access.bootstrap import SCRIPT
from tests.lab.bare import Bare, bare_host
from tests.lab.deployments import ended
from tests.lab.full import full
from tests.lab.judged import fails_in_nothing, is_a_server
from tests.lab.rig import Lab, Server
from tests.lab.rig.output import wait_until
from tests.lab.rig.place import Place
from tests.lab.rig.server import CHECKOUT

NOTHING = "[bare] nothing to do: it has all that a server needs\n"
FIREWALL = "firewall: there is none; leaves open 80 (everybody) and SSH"
STAT = ["stat", "-c", "%U %a", CHECKOUT, "/opt/wishwithme"]


@pytest.fixture
def bare(lab: Lab, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Bare]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    place = Place(number=int(worker.removeprefix("gw")) + 1)
    with bare_host(lab, place, tmp_path, request.param) as host:
        host.pin()
        yield host


@full
@pytest.mark.parametrize("bare", ["systemd"], indirect=True)
def test_a_bare_host_becomes_a_server_that_is_deployed_to(bare: Bare, lab: Lab) -> None:
    ran = bare.operator.fab("bare.bootstrap")
    assert ran.code == 0, ran
    assert ran.out.endswith("[bare] ready: ubuntu may log in and deploy\n"), ran
    assert bare.server.must(STAT) == "ubuntu 700\nubuntu 700\n"
    daemon = json.loads(bare.server.must(["cat", "/etc/docker/daemon.json"]))
    assert daemon["log-opts"] == {"max-size": "10m", "max-file": "3"}
    assert daemon["storage-driver"] == "overlay2"

    bare.operator.must("env.init")
    assert re.search("^TOKEN=[^ ]{32}", bare.server.must(["cat", f"{CHECKOUT}/.env"]), re.MULTILINE)
    assert bare.operator.must("bare.deploy", "--yes").out.count("verified: runs") == 1
    assert bare.operator.must("doctor").out.startswith("[bare] nothing is wrong: ")

    is_a_server(bare, lab)
    is_walled(bare, lab.server("ubuntu"))
    lets_callers_in(bare, lab.server("ubuntu"), lab.server("montreal"))

    assert bare.operator.must("bare.bootstrap").out == NOTHING
    assert bare.operator.must("bootstrap", "--user", "root").out == NOTHING
    lets_in_again(bare)
    fails_in_nothing(bare)


def is_walled(bare: Bare, outside: Server) -> None:
    """Another host reaches the open port alone, whatever a container publishes."""
    sshd = bare.server.must(["/usr/sbin/sshd", "-T"])
    assert "passwordauthentication no\n" in sshd
    assert "hmac-sha2-256" in sshd
    assert "hmac-sha1" not in sshd.partition("\nmacs ")[2].partition("\n")[0]
    image = bare.server.must(["docker", "ps", "--format", "{{.Image}}"]).strip()
    bare.server.must(["docker", "run", "-d", "-p", "8088:80", image])
    for port, inside, open_ in (("80", "Hello\n", True), ("8088", "Hello\n", False)):
        assert bare.server.must(["curl", "-sS", f"http://127.0.0.1:{port}/"]) == inside
        assert asked(outside, f"http://{bare.server.address}:{port}/") == open_
    bare.server.must(["systemctl", "restart", "docker"])
    stays_walled(bare, outside)
    bare.server.kill_power()
    bare.server.power_on()
    bare.server.wait_ready()
    stays_walled(bare, outside)


def stays_walled(bare: Bare, outside: Server) -> None:
    """After the engine or the host has started anew."""
    wait_until(lambda: asked(outside, f"http://{bare.server.address}/"), "the site serves", 60)
    bare.server.must(["sh", "-c", "docker ps -aq | xargs docker start"])
    assert bare.server.must(["curl", "-sS", "http://127.0.0.1:8088/"]) == "Hello\n"
    assert not asked(outside, f"http://{bare.server.address}:8088/")


def lets_callers_in(bare: Bare, caller: Server, other: Server) -> None:
    """Of a server that is called, its callers alone reach what it publishes."""
    ours = bare.operator.hosts_ini
    called = ours.with_name("called.ini")
    section = f"[caller]\nhost = 127.0.0.1\naddress = {caller.address}\ncompose = compose.yaml\n"
    called.write_text(f"{ours.read_text()}{section}calls = bare\n")
    url = f"http://{bare.server.address}/"
    assert asked(other, url)
    ran = bare.operator.fab("bare.bootstrap", hosts_ini=called)
    assert (ran.code, "1. firewall: it is another one than 80 (callers only)" in ran.out) == (
        0,
        True,
    )
    assert (asked(caller, url), asked(other, url)) == (True, False)
    assert not asked(caller, f"http://{bare.server.address}:8088/")
    bare.operator.must("bare.bootstrap")
    assert asked(other, url)


def lets_in_again(bare: Bare) -> None:
    """Nobody who proved that he can still log in: the host itself takes the firewall back."""
    rules = bare.server.must(["cat", "/etc/wishwithme-firewall.nft"])
    words = ["bash", "-c", SCRIPT, "bootstrap", "/opt/wishwithme", "firewall"]
    bare.server.must(words, stdin=rules.replace("{ 22 }", "{ 2222 }"))
    assert not bare.server.answers_ssh()
    wait_until(bare.server.answers_ssh, "it lets in again", 90)
    plan = bare.operator.must("bare.bootstrap", "--dry-run").out.splitlines()
    assert plan[:2] == ["[bare] plan, as ubuntu", f"[bare]    1. {FIREWALL}"]


def asked(server: Server, url: str) -> bool:
    """Whether somebody answers there."""
    return server.exec(["curl", "-sS", "-m", "3", url]).returncode == 0


@full
@pytest.mark.parametrize(
    ("bare", "sign"),
    [("sshd", signal.SIGINT), ("systemd", signal.SIGKILL)],
    ids=["Ctrl-C", "kill"],
    indirect=["bare"],
)
def test_one_that_was_interrupted_is_simply_run_again(bare: Bare, sign: signal.Signals) -> None:
    running = bare.operator.start("bare.bootstrap")
    installs = ["grep", "-q", "Unpacking", "/var/log/wishwithme-bootstrap.log"]
    while bare.server.exec(installs, user="root").returncode:
        assert running.poll() is None
    os.killpg(running.pid, sign)
    ran = ended(running, 0)
    assert ran.code != 0, ran
    ran = bare.operator.must("bare.bootstrap")
    assert ran.out.endswith("[bare] ready: ubuntu may log in and deploy\n"), ran
    assert bare.operator.must("bare.bootstrap").out == NOTHING
