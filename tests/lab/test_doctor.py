"""doctor on a real server: what is broken there is told by its check, and nothing else changes."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.lab.deployments import inventory
from tests.lab.full import full
from tests.lab.rig import Server
from tests.lab.rig.server import CHECKOUT
from tests.lab.scenes import Scene
from tests.lab.seen import STATE, hidden, untouched

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

CONF = "/etc/ssh/sshd_config.d/limit.conf"
SOCKET = "/var/run/docker.sock"
OLD = f"{STATE}/releases/20200101T000000Z-00000000"
LISTEN = "exec python3 -m http.server 5432 >/dev/null 2>&1"


class Broken(NamedTuple):
    """What is done to a server, what takes it back, and what doctor then says."""

    do: str
    undo: str
    line: str


BROKEN = {
    "sessions": Broken(
        f"echo MaxSessions 1 >{CONF}",
        f"rm {CONF}",
        "fail sessions: sshd allows 1 session on a connection; set MaxSessions in its sshd_config"
        " to 2 or more (10 without that line)",
    ),
    "user": Broken(
        f"chmod 666 {SOCKET}",
        f"chmod 660 {SOCKET}",
        "warn user: every user of the server may use Docker, and so is root there (docker.sock has"
        f" mode 666): sudo chmod 660 {SOCKET}",
    ),
    "folders": Broken(
        f"chmod 755 {STATE}/backups",
        f"chmod 700 {STATE}/backups",
        f"warn folders: folders with a mode that is not theirs: {STATE}/backups (755); a deploy"
        " corrects them",
    ),
    "clone": Broken(
        f"touch {CHECKOUT}/.git/index.lock",
        f"rm {CHECKOUT}/.git/index.lock",
        f"warn clone: a git that died left {CHECKOUT}/.git/index.lock; the next deploy takes it"
        " away",
    ),
    ".env": Broken(
        f"chmod 644 {CHECKOUT}/.env",
        f"chmod 600 {CHECKOUT}/.env",
        f"fail .env: {CHECKOUT}/.env has mode 644: others can read it; chmod 600 {CHECKOUT}/.env",
    ),
    "former .env": Broken(
        f"install -d -o ubuntu {OLD} && install -m 600 -o ubuntu /dev/null {OLD}/env",
        f"rm -r {OLD}",
        f"warn former .env: secrets of former releases that no rollback needs: rm {OLD}/env",
    ),
    "records": Broken(
        f"echo torn >{OLD}/release.json && chown ubuntu {OLD}/release.json",
        f"rm {OLD}/release.json",
        "warn records: cannot be read, and counts as not there: releases/20200101T000000Z-00000000",
    ),
    "packets": Broken(
        "ip link set dev eth0 mtu 1300",
        "ip link set dev eth0 mtu 1400",
        "warn packets: network wishwithme-network sends packets of 1400 bytes, eth0 takes 1300:"
        " large ones may get lost; under networks: driver_opts:"
        ' {com.docker.network.driver.mtu: "1300"}',
    ),
}


def told(scene: Scene, hosts_ini: Path | None = None) -> list[str]:
    """What doctor shows of ubuntu that is not well."""
    ran = scene.operator.fab("doctor", hosts_ini=hosts_ini)
    mine = [line for line in ran.out.splitlines() if line.startswith("[ubuntu] ")]
    found = [line.removeprefix("[ubuntu] ") for line in mine]
    failed = any(line.startswith("fail ") for line in found)
    assert ran.code == (1 if failed else 0), ran
    return [line for line in found if line.startswith(("fail ", "warn "))]


@contextmanager
def done(server: Server, broken: Broken) -> Iterator[None]:
    server.must(["sh", "-ec", broken.do])
    try:
        yield
    finally:
        server.must(["sh", "-ec", broken.undo])


@contextmanager
def all_of(server: Server, broken: Mapping[str, Broken]) -> Iterator[None]:
    with ExitStack() as stack:
        for one in broken.values():
            stack.enter_context(done(server, one))
        yield


@full
def test_what_is_broken_is_told_and_what_is_mended_is_not(scene: Scene) -> None:
    with untouched(scene.ubuntu):
        before = told(scene)
    with all_of(scene.ubuntu, BROKEN):
        now = told(scene)
    found = set(now) - set(before)
    (link,) = [line for line in found if line.startswith("fail link: ")]  # by the packets
    assert link.endswith("; small requests pass: look at the MTU")
    assert sorted(found - {link}) == sorted(one.line for one in BROKEN.values())
    assert told(scene) == before


@full
def test_an_engine_a_login_shell_and_a_link_that_do_not_answer(scene: Scene) -> None:
    with hidden(scene.ubuntu, SOCKET):
        (engine,) = [line for line in told(scene) if line.startswith("fail engine: ")]
    assert "no Docker engine answers; start it: sudo systemctl start docker" in engine
    nologin = Broken("usermod -s /usr/sbin/nologin ubuntu", "usermod -s /bin/bash ubuntu", "")
    with done(scene.ubuntu, nologin):
        shell = told(scene)
    assert shell[0].startswith("fail login shell: the command was not run: the login shell of")
    montreal = scene.lab.server("montreal")
    with montreal.swallowing(scene.ubuntu.address):
        (link,) = [line for line in told(scene) if line.startswith("fail link: ")]
    assert re.search(r"/link: 1 MB back: .*; small requests pass: look at the MTU$", link), link


@full
def test_a_port_that_nobody_named_and_a_key_that_others_can_read(
    scene: Scene, tmp_path: Path
) -> None:
    """At the server's own address: at 127.0.0.1 nobody is outside."""
    server = scene.ubuntu
    key = shutil.copy(scene.lab.folder / "id_ed25519", tmp_path / "open")
    Path(key).chmod(0o644)
    settings = {"host": server.address, "port": "22", "key": str(key)}
    hosts_ini = inventory(scene.operator.hosts_ini, tmp_path, "ubuntu", settings)
    known = tmp_path / "known_hosts"
    door = f"[127.0.0.1]:{server.ssh_port}"
    known.write_text(known.read_text() + known.read_text().replace(door, server.address))
    before = told(scene, hosts_ini)
    opened = f"warn key: others can read {key} (mode 644): chmod 600 {key}"
    assert opened in before
    server.must(["sh", "-c", f"({LISTEN}) </dev/null &"])
    try:
        end = time.monotonic() + 30
        while not server.exec(["sh", "-c", "ss -Hltn 'sport = :5432' | grep ."]).stdout:
            assert time.monotonic() < end, "nobody listens"
            time.sleep(0.2)
        now = told(scene, hosts_ini)
    finally:
        server.must(["pkill", "-f", "http.server 5432"])
    (told_now,) = [line for line in now if line not in before]
    assert told_now == (
        "warn firewall: port 5432 of a process is reached from here, and neither the stack nor"
        " open_ports in hosts.ini names it: close it in the provider's firewall, or have it listen"
        " at 127.0.0.1"
    )
