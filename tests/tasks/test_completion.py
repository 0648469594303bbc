"""Tab: tasks, options, and the services and servers that can be named behind one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from fabfile.command import FOLDER
from fabfile.model.hosts.sections import services_of

from .fakes.fleet import Fleet

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_FILES = sorted((ROOT / "compose").glob("*.yml"))
COMPOSE = """\
# No service: stands in a comment
x-common: &common
  restart: always
services:
  # the first
  db:
    image: postgres
  "web":
    environment:
      services: none
volumes:
  data:
"""


@pytest.fixture
def here(fleet: Fleet, tmp_path: Path) -> Iterator[Fleet]:
    """The operator's clone has the compose files of both servers."""
    before = FOLDER.set(tmp_path)
    folder = tmp_path / "compose"
    folder.mkdir()
    (folder / "ubuntu.yml").write_text(COMPOSE)
    (folder / "montreal.yml").write_text("services:\n    resolver: {}\n    db: {}\n")
    yield fleet
    FOLDER.reset(before)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("ubuntu.logs --service", "db web"),
        ("ubuntu.logs --service we", "db web"),
        ("ubuntu.logs --service = we", "db web"),
        ("ubuntu.logs --service=we", "db web"),
        ("ubuntu.deploy --yes --only db --only", "db web"),
        ("montreal.restart --service", "resolver db"),
        ("volume.restore --service", "db web resolver"),
        ("volume.restore --service db --on", "ubuntu montreal"),
        ("ssl.renew --server u", "ubuntu montreal"),
        ("ubuntu.rollback --migrations", "down keep"),
    ],
)
def test_what_can_be_named_behind_an_option_is_offered(
    here: Fleet, typed: str, offered: str
) -> None:
    ran = here.fab(f"--complete -- fab {typed}")
    assert (ran.code, ran.out.split(), ran.err) == (0, offered.split(), "")
    assert here.connections == []


@pytest.mark.parametrize("typed", ["", "ubu", "ubuntu.logs --service db", "status --json"])
def test_all_tasks_are_offered_where_a_task_may_stand(here: Fleet, typed: str) -> None:
    ran = here.fab(f"--complete -- fab {typed}")
    assert {"deploy", "ubuntu.deploy", "db.backup"} <= {*ran.out.split()}
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize("typed", ["-", "--", "--wai", "--dry", "--ref x --json --wai"])
def test_the_options_of_the_task_are_offered_once_a_dash_is_typed(here: Fleet, typed: str) -> None:
    ran = here.fab(f"--complete -- fab ubuntu.deploy {typed}")
    assert {"--wait", "--dry-run", "--only"} <= {*ran.out.split()}
    assert (ran.code, ran.err) == (0, "")


def test_where_nothing_can_be_offered_nothing_is_printed(here: Fleet) -> None:
    (here.hosts.parent / "compose" / "ubuntu.yml").unlink()
    assert here.fab("--complete -- fab ubuntu.logs --service").everything == ""
    assert here.fab('--complete -- fab ubuntu.freeze --why "not closed').everything == ""
    here.hosts.write_text("[ubuntu\n")
    assert here.fab("--complete -- fab montreal.logs --service").everything == ""


@pytest.mark.parametrize(
    "file", sorted((ROOT / "compose").glob("*.yml")), ids=lambda file: file.name
)
def test_the_services_of_a_compose_file_are_those_that_yaml_reads(file: Path) -> None:
    text = file.read_text()
    assert list(services_of(text)) == list(yaml.safe_load(text)["services"])


def test_bash_completes_with_the_script_that_fab_prints() -> None:
    bin_ = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}"}
    script = """
set -eu
eval "$(fab --print-completion-script bash)"
COMP_WORDS=(fab ubuntu.logs --service ngi)
_complete_fab fab ngi --service
echo "${COMPREPLY[@]}"
complete -p fab
"""
    done = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout == "nginx\ncomplete -o default -F _complete_fab fab\n"
