"""A checkout of a small repository on this machine, for scripts that a real shell runs on it."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from invoke import Context

from fabfile.remote import state
from fabfile.remote.deploy import git
from fabfile.remote.host import Host

from .builders import SERVER


@pytest.fixture
def somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "Somebody")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "somebody@example.org")


@pytest.fixture
def cloned(tmp_path: Path, somebody: None) -> Host:
    """A server whose repository has one commit, and whose checkout holds only its settings."""
    origin = tmp_path / "origin"
    commit(origin, "First", "one\n")
    server = replace(
        SERVER,
        path=PurePosixPath(tmp_path / "checkout"),
        root=PurePosixPath(tmp_path / "root"),
        repository=str(origin),
        connection="local",
    )
    made = Host(server, Context())
    made_with = {str(server.root / name): 0o700 for name in ("build", "certs/trust")}
    state.make_folders(made, made_with, [str(server.root / "releases/r1")])
    Path(server.path).mkdir()
    (Path(server.path) / ".env").write_text("A=1\n")
    (Path(server.path) / ".env").chmod(0o600)
    return made


def run(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def commit(origin: Path, subject: str, text: str) -> str:
    if not origin.exists():
        run("git", "init", "-q", "-b", "main", str(origin))
    (origin / "file").write_text(text)
    run("git", "-C", str(origin), "add", "-A")
    run("git", "-C", str(origin), "commit", "-q", "-m", subject)
    return run("git", "-C", str(origin), "rev-parse", "HEAD")


def origin_of(host: Host) -> Path:
    return Path(host.server.repository)


def head(host: Host) -> str:
    return run("git", "-C", str(host.server.path), "rev-parse", "HEAD")


def mode(path: PurePosixPath) -> int:
    return Path(path).stat().st_mode & 0o777


def deployed(host: Host, text: str) -> str:
    """A commit that was fetched and checked out."""
    identity = commit(origin_of(host), "Next", text)
    git.fetch(host, identity, "r1")
    git.checkout(host, identity, kept_in(host))
    return identity


def kept_in(host: Host) -> PurePosixPath:
    return host.server.root / "releases/r1"


def scratch_of(host: Host) -> str:
    """How the names of the scratch folders of a server's root begin."""
    summed = subprocess.run(
        ["cksum"], input=f"{host.server.root}\n".encode(), capture_output=True, check=True
    )
    return f"wishwithme-{summed.stdout.split()[0].decode()}"
