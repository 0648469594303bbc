"""Servers for the tests of the shells that stay: this machine, and the same over SSH."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from invoke import Context

from fabfile.remote.commands.line import quoted
from fabfile.remote.commands.shell import Ran
from fabfile.remote.host import Host
from tests.unit.builders import SERVER

from .sshd import Sshd

PARENT = 'ps -o ppid= -p "$PPID"'
"""What a command prints the id of its shell with; its own parent is its deadline."""


@pytest.fixture
def sshd() -> Sshd:
    return Sshd(10)


@pytest.fixture(params=["local", "ssh"])
def anywhere(
    request: pytest.FixtureRequest, tmp_path: Path, opened: Callable[[Sshd], Host], sshd: Sshd
) -> Host:
    """On this machine, and on the same over SSH."""
    if request.param == "ssh":
        return opened(sshd)
    root = PurePosixPath(tmp_path / "root")
    return Host(replace(SERVER, root=root, connection="local"), Context())


@pytest.fixture
def far(opened: Callable[[Sshd], Host], sshd: Sshd) -> Host:
    return opened(sshd)


def path(host: Host, name: str) -> Path:
    return Path(host.server.root) / name


def bash(host: Host, script: str, *words: str, **how: object) -> str:
    return host.read(["bash", "-c", script, "test", *words], **how).stdout  # type: ignore[arg-type]


def ran(host: Host, script: str, stdin: bytes = b"") -> Ran:
    return host.shells.run(quoted(["bash", "-c", script], 60), stdin, 60)


def shell_of(host: Host) -> int:
    return int(bash(host, PARENT))
