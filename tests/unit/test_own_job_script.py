"""The script that runs a job of the application's own, with an engine of a few lines."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path

import pytest

from fabfile.remote.schedule.own import SCRIPT


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the engine is told."""
    (tmp_path / "docker").write_text('#!/bin/bash\necho "$*" >>"$CALLS"\n')
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    return tmp_path / "calls"


def run(lock: Path, deadline: str, *words: str) -> tuple[int, str]:
    given = [str(lock), "box", deadline, *words]
    done = subprocess.run(
        ["bash", "-c", SCRIPT, "own-job", *given],
        input="ours",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


def test_its_exit_code_and_output_are_the_job_s(engine: Path, tmp_path: Path) -> None:
    assert run(tmp_path / "lock", "60", "bash", "-c", "cat; echo done; exit 3") == (3, "done\n")
    assert engine.read_text().splitlines() == ["rm --force box", "rm --force box"]


def test_its_deadline_ends_it(engine: Path, tmp_path: Path) -> None:
    assert run(tmp_path / "lock", "0.2", "sleep", "600") == (124, "")
    assert engine.read_text().splitlines() == ["rm --force box", "stop -t 10 box", "rm --force box"]


def test_one_that_runs_is_not_begun_again(engine: Path, tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert run(tmp_path / "lock", "60", "echo", "again") == (75, "")
    assert not engine.exists()
    assert run(tmp_path / "lock", "60", "echo", "again") == (0, "again\n")
