"""scripts/setup: instant when nothing changed, and never satisfied with half an environment."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.suite.outcome import ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose requirements are empty, so that an environment takes no network."""
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/setup", tmp_path / "scripts/setup")
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-patchwork.txt"):
        (tmp_path / name).touch()
    return tmp_path


WORDS = ("/bin/sh", "scripts/setup")


def setup(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        WORDS,
        cwd=checkout,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def interrupted_setup(checkout: Path) -> str:
    """Run it up to its first line, then end it and all that it started."""
    with subprocess.Popen(
        WORDS, cwd=checkout, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        assert running.stdout
        said = running.stdout.readline()
        os.killpg(running.pid, signal.SIGKILL)
    return said


def test_only_a_whole_environment_is_kept(checkout: Path) -> None:
    locked = checkout / "requirements.txt"
    locked.write_text("no hash==1.0\n")
    failed = setup(checkout)
    assert failed.returncode == 1
    assert "Invalid requirement" in failed.stderr
    assert "setup: failed: .venv/bin/python -m pip install" in failed.stderr

    locked.write_text("# nothing\n")
    assert "setup: making .venv with Python 3." in setup(checkout).stdout
    assert setup(checkout).stdout == "setup: .venv is ready\n"

    locked.write_text("# changed\n")
    assert "making .venv" in interrupted_setup(checkout)
    locked.write_text("# nothing\n")
    assert "making .venv" in interrupted_setup(checkout)


def test_an_environment_whose_python_went_away_is_made_anew(checkout: Path) -> None:
    python = checkout / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to("/nonexistent")
    (checkout / ".venv/.stamp").write_text(f"{checkout}/.venv\n")
    assert "making .venv" in interrupted_setup(checkout)


def programs(folder: Path, *names: str) -> str:
    """A PATH that holds just these programs."""
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(shutil.which(name) or "/nonexistent")
    return str(folder)


POSIX = ("cat", "cmp", "dirname", "id", "mktemp", "rm", "sh", "tail")


def test_a_machine_without_a_new_enough_python_is_told_so(checkout: Path, tmp_path: Path) -> None:
    done = setup(checkout, PATH=programs(tmp_path / "bin", *POSIX, "git", "ssh-keygen"))
    assert done.returncode == 1
    assert done.stderr == (
        "setup: no Python 3.11 or newer on PATH; install one first"
        " (3.11, 3.12 and 3.13 are tested)\n"
    )


def test_what_is_missing_is_named_together(checkout: Path, tmp_path: Path) -> None:
    done = setup(checkout, PATH=programs(tmp_path / "bin", *POSIX))
    assert done.returncode == 1
    assert done.stderr == (
        "setup: missing: git openssh-client; install that first"
        " (Debian/Ubuntu: sudo apt-get install git openssh-client)\n"
    )
