"""The script that makes the environment of a server's jobs, with a Python that only pretends."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from fabfile.remote.schedule.crontab import ENVIRONMENT

PYTHON = """\
#!/bin/sh
case "$*" in
  -c*) exit 0 ;;
  '-m venv'*) mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
  '-m pip'*)
    shift 2
    echo "$*" >>"$PIPS"
    [ ! -e "$PIPS.refuses" ] || exit 1
    [ -e "$PIPS.nothing" ] || { echo >"${0%/*}/fab" && chmod +x "${0%/*}/fab"; }
    ;;
esac
"""
QUIET = "install --quiet --no-input --disable-pip-version-check"
APART = "requirements-patchwork.txt"


class Place:
    """ROOT/operator and a checkout, below a temporary folder, and a Python."""

    def __init__(self, folder: Path) -> None:
        self.operator = folder / "root/operator"
        self.checkout = folder / "the checkout"
        self.pips = folder / "pips"
        for made in (self.operator, self.checkout, folder / "bin"):
            made.mkdir(parents=True)
        (self.operator / "hosts.ini").write_text(f"[ubuntu]\npath = {self.checkout}\n")
        self.program = self.operator / "environment"
        self.program.write_text(ENVIRONMENT)
        self.program.chmod(0o700)
        self.python = folder / "bin/python3.13"
        self.python.write_text(PYTHON)
        self.python.chmod(0o700)
        self.requires("requirements.txt", "fabric\n")
        self.requires(APART, "patchwork\n")

    def requires(self, file: str, text: str) -> None:
        (self.checkout / file).write_text(text)

    def run(self) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        path = f"{self.python.parent}:/usr/bin:/bin"
        done = subprocess.run(
            [self.program],
            env={"PATH": path, "PIPS": str(self.pips)},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
        return done.returncode, done.stdout, done.stderr

    def installed(self) -> list[str]:
        """What pip was told, each time."""
        return self.pips.read_text().splitlines()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


READY = (0, "environment: ready\n", "")


def made_from(file: str) -> tuple[int, str, str]:
    return 0, f"environment: making it with python3.13 from {file}\n", ""


def test_it_is_made_once_and_anew_when_the_requirements_change(place: Place) -> None:
    assert place.run() == made_from("requirements.txt")
    assert place.run() == READY
    place.requires("requirements.txt", "fabric, newer\n")
    assert place.run() == made_from("requirements.txt")
    both = [f"{QUIET} -r requirements.txt", f"{QUIET} --no-deps -r {APART}"]
    assert place.installed() == both * 2
    place.requires(APART, "patchwork, newer\n")
    assert place.run() == made_from("requirements.txt")


def test_requirements_of_an_application_are_not_those_of_fab(place: Place) -> None:
    place.requires("requirements-deploy.txt", "ops\n")
    assert place.run() == made_from("requirements-deploy.txt")
    place.requires("requirements.txt", "flask\n")
    assert place.run() == READY


def test_one_that_pip_could_not_fill_is_tried_again(place: Place) -> None:
    refuses = place.pips.with_suffix(".refuses")
    refuses.touch()
    code, _, said = place.run()
    assert (code, said) == (1, "error: pip: requirements.txt\n")
    refuses.unlink()
    assert place.run() == made_from("requirements.txt")
    assert place.run() == READY


def test_requirements_without_the_collection_are_named(place: Place) -> None:
    place.pips.with_suffix(".nothing").touch()
    code, _, said = place.run()
    why = "error: requirements.txt does not name what fab needs (docs/own-project.md)\n"
    assert (code, said) == (1, why)


def test_a_checkout_without_requirements_is_named(place: Place) -> None:
    (place.checkout / "requirements.txt").unlink()
    assert place.run() == (
        1,
        "",
        f"error: {place.checkout} has neither requirements-deploy.txt nor requirements.txt\n",
    )


def test_a_checkout_without_what_is_installed_apart_is_named(place: Place) -> None:
    (place.checkout / APART).unlink()
    assert place.run() == (1, "", f"error: {place.checkout} has no {APART}\n")


def test_an_environment_that_was_moved_is_made_anew(place: Place) -> None:
    place.run()
    stamp = place.operator / "venv/.stamp"
    stamp.write_text(stamp.read_text().replace(str(place.operator), "/opt/former"))
    assert place.run() == made_from("requirements.txt")


def test_a_server_without_a_python_that_can_is_told_what_to_install(place: Place) -> None:
    for name in ("python3.13", "python3.12", "python3.11", "python3"):
        other = place.python.with_name(name)
        other.write_text("#!/bin/sh\nexit 1\n")
        other.chmod(0o700)
    code, _, said = place.run()
    assert (code, said.startswith("error: no Python 3.11 or newer")) == (1, True)
