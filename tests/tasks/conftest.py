"""Nothing of the operator's machine reaches a test: no home, no stdin, no network, no waiting."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from pathlib import Path
from time import time
from types import SimpleNamespace
from typing import NoReturn

import pytest

from fabfile.remote import host

from .fakes.fleet import Fleet
from .looked_at import Place
from .shelves import with_database


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOSTS_INI", "NO_COLOR", "FORCE_COLOR", "TERM", "SSH_AUTH_SOCK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {
        "HOME": str(home),
        "GITHUB_ACTOR": "somebody",
        "GITHUB_RUN_ID": "7",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr(socket, "socket", _no_network)
    monkeypatch.setattr(socket, "getaddrinfo", _no_network)


def _no_network(*_arguments: object, **_keywords: object) -> NoReturn:
    raise AssertionError("a test reached for the network")


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deadlines pass as fast as they are looked at."""
    clock: Iterator[float] = iter(range(0, 1_000_000_000, 31))
    monkeypatch.setattr(host, "time", SimpleNamespace(monotonic=lambda: next(clock), time=time))
    monkeypatch.setattr(host, "POLL", 0)


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """Two servers that have only their ``.env``."""
    return Fleet(tmp_path, monkeypatch)


@pytest.fixture
def running(fleet: Fleet) -> Fleet:
    """Two servers on which the first commit was deployed and verified."""
    return fleet.deployed()


@pytest.fixture
def filled(fleet: Fleet) -> Fleet:
    """Both servers deployed; the database has rows."""
    fleet.origin.commit("A database", {"compose/ubuntu.yml": with_database()})
    ran = fleet.fab("deploy")
    assert ran.code == 0, ran.everything
    fleet.ubuntu.rows = {"public.users": 3}
    fleet.forget()
    return fleet


@pytest.fixture
def issued(running: Fleet) -> Fleet:
    """Servers with a certificate that an authority gave."""
    ran = running.fab("ssl.issue")
    assert ran.code == 0, ran.everything
    running.forget()
    return running


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path / "place")
    made.commit_files("First", {"compose/app.yml": "{}", ".env.example": "A=\n"})
    return made


@pytest.fixture
def bare(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """Both hosts with root alone."""
    text = fleet.hosts.read_text().replace(
        "calls = montreal\n", "calls = montreal\nopen_ports = 80, 443\n"
    )
    fleet.hosts.write_text(f"{text}open_ports = 8001\n")
    for machine in fleet.machines.values():
        machine.lets_in = {"root"}
    name = "fabfile.remote.access.bootstrap"
    monkeypatch.setattr(f"{name}.public_half", lambda _server: "ssh-ed25519 AAAAMINE id")
    monkeypatch.setattr(f"{name}.pinned", lambda _server: [])
    return fleet
