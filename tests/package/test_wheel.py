"""What the wheel holds, says of itself and needs."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
from email.parser import HeaderParser
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.lab.full import full

from .wheel import PROJECT, PYTHON, ROOT, Installed, run

DEPENDENCIES = {re.split(r"[<>=]", name)[0] for name in PROJECT["dependencies"]}
PACKAGE = "wishwithme_ops"
FABFILE = f"from {PACKAGE} import namespace\n\nns = namespace(__file__)\n"
HOSTS = """\
[third]
host = 192.0.2.7
user = deploy
key = id
path = /srv/shop
root = /opt/shop
repository = https://git.example/shop.git
branch = main
compose = compose.yaml
"""


def ours() -> set[str]:
    """The files of the collection that git has, or is about to have."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "fabfile"]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {name for name in listed.split("\0") if name and (ROOT / name).is_file()}


def test_the_wheel_holds_the_collection_and_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == {name.replace("fabfile", PACKAGE, 1) for name in ours()}
    assert f"{PACKAGE}/py.typed" in names


def test_what_the_wheel_says_of_itself_can_be_published(wheel: Path) -> None:
    programs = Path(sys.executable).parent
    run(programs / "twine", "check", "--strict", wheel)
    run(programs / "check-wheel-contents", wheel)
    with ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        said = HeaderParser().parsestr(archive.read(metadata).decode())
    assert (said["Name"], said["Version"], said["License-Expression"]) == (
        "wishwithme-ops",
        PROJECT["version"],
        "MIT",
    )


def test_what_is_imported_is_what_it_depends_on() -> None:
    imported = set()
    for file in (ROOT / "fabfile").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                imported.add(node.module.partition(".")[0])
    imported -= {*sys.stdlib_module_names, PACKAGE, "patchwork"}  # which pip installs apart
    brings = {name: top_level(name) for name in DEPENDENCIES}
    assert imported - set().union(*brings.values()) == set()
    assert [name for name, modules in brings.items() if not modules & imported] == []


def top_level(distribution: str) -> set[str]:
    files = importlib.metadata.files(distribution) or []
    return {file.parts[0].removesuffix(".py") for file in files}


def test_every_dependency_has_its_exact_pin() -> None:
    pinned = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert DEPENDENCIES - {*pinned} == set()


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """Another repository, which has its own servers."""
    (tmp_path / "fabfile.py").write_text(FABFILE)
    (tmp_path / "hosts.ini").write_text(HOSTS)
    return tmp_path


def test_another_repository_has_the_tasks_of_its_own_servers(
    installed: Installed, elsewhere: Path
) -> None:
    (elsewhere / "below").mkdir()
    listed = installed.fab(elsewhere / "below", "--list").stdout
    assert "third.deploy" in listed
    assert "ubuntu.deploy" not in listed


def test_a_server_whose_key_nobody_pinned_is_one_line(
    installed: Installed, elsewhere: Path
) -> None:
    ran = installed.fab(elsewhere, "third.deploy", "--dry-run", code=2)
    assert ran.stdout == ""
    line, *below = ran.stderr.splitlines()
    assert line == (
        "error: third: no host key of 192.0.2.7 is pinned; fab hosts.pin third fetches it,"
        " to be compared with the server's console"
    )
    assert below[0] == "  before that, these must be yours (docs/hosts.md):"


def test_a_mistyped_server_is_looked_up_in_the_inventory_of_that_repository(
    installed: Installed, elsewhere: Path
) -> None:
    ran = installed.fab(elsewhere, "fourth.deploy", code=2)
    known = f"error: {elsewhere}/hosts.ini: no server [fourth]; known servers: third\n"
    assert ran.stderr == known


@full
def test_pip_builds_it_and_gets_all_that_it_needs(elsewhere: Path) -> None:
    environment = elsewhere / "venv"
    run(PYTHON, "-m", "venv", environment)
    run(environment / "bin/python", "-m", "pip", "install", "--quiet", ROOT)
    run(environment / "bin/python", "-m", "pip", "check")
    assert "third.deploy" in run(environment / "bin/fab", "--list", folder=elsewhere).stdout
