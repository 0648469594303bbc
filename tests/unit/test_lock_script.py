"""The lock of a server, taken by a real shell on folders of this machine: whose it can be."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from invoke import Context

from fabfile.model.errors import Trouble
from fabfile.remote.host import Host
from fabfile.remote.lock import Lock

from .builders import SERVER
from .clone import scratch_of

NOBODY = 65534


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A server on which nothing was deployed yet."""
    for name in ("home", "tmp"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    return Host(replace(SERVER, root=PurePosixPath(tmp_path / "root")), Context())


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_nobody_who_holds_folders_of_all_keeps_a_first_deploy_out(host: Host) -> None:
    everybodys = Path(host.server.root).parent
    with subprocess.Popen(["flock", str(everybodys), "cat"], stdin=subprocess.PIPE) as held:
        with Lock(host, "the operator"), pytest.raises(Trouble, match="another change is running"):
            Lock(host, "somebody else").__enter__()
        held.kill()
    (file,) = Path(os.environ["HOME"]).iterdir()
    assert mode(file) == 0o600


def test_first_deploys_of_two_servers_of_one_user_do_not_wait_for_each_other(host: Host) -> None:
    other = Host(replace(SERVER, root=PurePosixPath("/opt/other")), Context())
    with Lock(host, "the operator"), Lock(other, "the operator"):
        assert len(list(Path(os.environ["HOME"]).iterdir())) == 2


def test_what_a_holder_writes_is_its_owners_alone(host: Host) -> None:
    locks = Path(host.server.root) / "locks"
    locks.mkdir(parents=True)
    before = os.umask(0)
    try:
        with Lock(host, "the operator"):
            assert {path.name: mode(path) for path in locks.iterdir()} == {
                "holder": 0o600,
                "step": 0o600,
            }
    finally:
        os.umask(before)


@pytest.mark.skipif(os.getuid() != 0, reason="only root makes files of others")
def test_a_holder_clears_what_is_its_own_and_enters_no_folder_of_others(host: Host) -> None:
    (Path(host.server.root) / "locks").mkdir(parents=True)
    scratch = Path(os.environ["TMPDIR"])
    stem = scratch_of(host)
    planted = f"{stem}-swap.planted"
    for name in (f"{stem}-proxy.mine", planted):
        (scratch / name / "below").mkdir(parents=True)
    os.chown(scratch / planted, NOBODY, NOBODY)
    (scratch / f"{stem}-load.link").symlink_to(scratch)
    with Lock(host, "the operator"):
        assert [path.name for path in scratch.iterdir()] == [planted]
        assert (scratch / planted / "below").is_dir()
