"""Prompts (host key, sudo) hung an unattended run (fabric#2207, #1952)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.lab.deployments import Ran, refused
from tests.lab.full import full
from tests.lab.rig import Server
from tests.lab.scenes import Scene
from tests.lab.seen import listening, untouched

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

SOON = 30
"""Seconds within which a command must have given up; a person's answer would never come."""


@pytest.fixture
def silent() -> Iterator[int]:
    """A standard input that stays open and says nothing: a read of it would wait for ever."""
    ours, theirs = os.pipe()
    yield ours
    os.close(theirs)
    os.close(ours)


@contextmanager
def sudo_asks(server: Server) -> Iterator[None]:
    """Sudo wants a password, as on most hosts."""
    rule = "/etc/sudoers.d/ubuntu"
    server.must(["sed", "-i", "s/NOPASSWD://", rule])
    try:
        yield
    finally:
        server.must(["sed", "-i", "s/) ALL/) NOPASSWD:ALL/", rule])


UNAUTHORIZED = (
    "HTTP/1.1 401 Who\r\nWWW-Authenticate: Basic realm=x\r\n"
    "Content-Length: 0\r\nConnection: close\r\n\r\n"
)


def deploy(scene: Scene, silent: int, hosts_ini: Path | None = None) -> str:
    """The line with which a deploy gives up, soon."""
    ran: Ran = scene.operator.fab("montreal.deploy", hosts_ini=hosts_ini, stdin=silent)
    assert ran.seconds < SOON, ran
    return refused(ran)


def test_sudo_that_wants_a_password(scene: Scene, silent: int, tmp_path: Path) -> None:
    hosts_ini = scene.operator.inventory(tmp_path, root="/srv/wishwithme")
    montreal = scene.lab.server("montreal")
    with sudo_asks(montreal), untouched(montreal):
        ran = scene.operator.fab("montreal.deploy", hosts_ini=hosts_ini, stdin=silent)
    assert (ran.code, ran.seconds < SOON) == (2, True), ran
    assert (
        "/srv/wishwithme does not exist and ubuntu may not use sudo to make it; run once:"
        " sudo install -d -m 700 -o ubuntu /srv/wishwithme"
    ) in ran.evidence


@full
def test_a_host_key_that_nobody_has_seen(scene: Scene, silent: int, tmp_path: Path) -> None:
    hosts_ini = scene.operator.inventory(tmp_path)
    (tmp_path / "known_hosts").write_text("")
    ran = scene.operator.fab("montreal.deploy", hosts_ini=hosts_ini, stdin=silent)
    assert (ran.code, ran.seconds < SOON) == (2, True), ran
    assert "no host key of " in ran.error
    assert (tmp_path / "known_hosts").read_text() == ""


def test_a_repository_that_wants_a_password(scene: Scene, silent: int, tmp_path: Path) -> None:
    montreal = scene.lab.server("montreal")
    with listening(montreal, answer=UNAUTHORIZED) as port, untouched(montreal):
        address = f"http://127.0.0.1:{port}/origin.git"
        hosts_ini = scene.operator.inventory(tmp_path, repository=address)
        said = deploy(scene, silent, hosts_ini)
    assert said.startswith(f"montreal: git cannot read {address}: ")


def test_a_repository_behind_an_unknown_host_key(scene: Scene, silent: int, tmp_path: Path) -> None:
    address = f"ssh://git@{scene.ubuntu.address}/origin.git"
    hosts_ini = scene.operator.inventory(tmp_path, repository=address)
    said = deploy(scene, silent, hosts_ini)
    assert said.startswith(f"montreal: git cannot read {address}: ")
    assert "host key is known" in said


@full
def test_a_host_that_answers_nothing(scene: Scene, silent: int) -> None:
    with scene.lab.server("montreal").paused():
        said = deploy(scene, silent)
    assert "does not answer" in said
