"""scripts/setup: instant when nothing changed, and never satisfied with half an environment."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.suite.images import python_of_images
from tests.suite.outcome import ROOT


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with empty requirements, on a machine whose Python borrows its pip.

    Borrowing saves the seconds that it takes to unpack one; every other step is the real one.
    """
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/setup", tmp_path / "scripts/setup")
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-patchwork.txt"):
        (tmp_path / name).touch()
    python = tmp_path / "quick" / f"python{python_of_images()}"
    python.parent.mkdir()
    python.write_text(
        '#!/bin/sh\n[ "$2" != venv ] || set -- "$@" --without-pip --system-site-packages\n'
        f'exec {Path(sys.base_prefix, "bin/python3")} "$@"\n'
    )
    python.chmod(0o755)
    monkeypatch.setenv("PATH", f"{python.parent}{os.pathsep}{os.environ['PATH']}")
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


@pytest.fixture
def environment(checkout: Path) -> Path:
    """An environment as a finished run leaves it."""
    folder = checkout / ".venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/python").symlink_to(sys.executable)
    (folder / ".stamp").write_text(f"{folder}\n")
    return folder


def test_a_finished_environment_is_left_alone(checkout: Path, environment: Path) -> None:
    assert setup(checkout).stdout == "setup: .venv is ready\n"


def test_other_requirements_make_it_anew(checkout: Path, environment: Path) -> None:
    (checkout / "requirements-dev.txt").write_text("# changed\n")
    assert "making .venv" in interrupted_setup(checkout)


def test_an_environment_whose_python_went_away_is_made_anew(
    checkout: Path, environment: Path
) -> None:
    (environment / "bin/python").unlink()
    (environment / "bin/python").symlink_to("/nonexistent")
    assert "making .venv" in interrupted_setup(checkout)


def test_an_interrupted_run_is_begun_again(checkout: Path, environment: Path) -> None:
    (checkout / "requirements.txt").write_text("# changed\n")
    interrupted_setup(checkout)
    (checkout / "requirements.txt").write_text("")
    assert "making .venv" in interrupted_setup(checkout)


def test_a_failed_installation_is_shown_and_not_kept(checkout: Path) -> None:
    (checkout / "requirements.txt").write_text("no hash==1.0\n")
    failed = setup(checkout)
    assert failed.returncode == 1
    assert "Invalid requirement" in failed.stderr
    assert "setup: failed: .venv/bin/python -m pip install" in failed.stderr
    assert "making .venv" in interrupted_setup(checkout)


def test_the_python_of_the_images_is_taken_before_a_newer_one(checkout: Path) -> None:
    """So that the services' tests run on it, wherever it is there."""
    wanted = checkout / "quick" / f"python{python_of_images()}"
    for newer in ("python3", "python3.13", "python3.11"):
        shutil.copy(wanted, wanted.with_name(newer))
    assert f"({wanted})" in interrupted_setup(checkout)


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
