"""wishwithme-ops new, then fab: what a repository goes through that has a compose file only."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.docs.tables import first_column

from .wheel import PROJECT, PYTHON, ROOT, Installed, run

TOOLS = Path(PYTHON).parent
WORKFLOW = ".github/workflows/fab-deploy.yml"
PIN = re.compile(r"uses: (\S+@[0-9a-f]{40} # v\S+)")


@pytest.fixture(scope="module")
def shop(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project, as the program left it."""
    root = tmp_path_factory.mktemp("projects") / "shop"
    root.mkdir()
    run("git", "init", "--quiet", "--initial-branch=main", root)
    (root / "compose.yaml").write_text("services: {web: {build: ., ports: ['80:5000']}}\n")
    new(installed, root)
    return root


def new(installed: Installed, root: Path) -> str:
    path = f"{TOOLS}{os.pathsep}{os.environ['PATH']}"
    return run(installed.program("wishwithme-ops"), "new", folder=root, PATH=path).stdout


def test_every_file_is_told(shop: Path) -> None:
    files = [file.relative_to(shop) for file in shop.rglob("*") if file.is_file()]
    names = {str(file) for file in files if file.parts[0] not in (".git", "compose.yaml")}
    written = {re.sub(r"^proxy/.*", "proxy/", name) for name in names}
    assert {*first_column("own-project.md", "What `fab new` writes")} == written


def test_the_program_says_its_version(installed: Installed) -> None:
    said = run(installed.program("wishwithme-ops"), "--version").stdout
    assert said == f"wishwithme-ops {PROJECT['version']}\n"


def test_its_tasks_are_there_and_refuse_until_the_example_values_are_set(
    installed: Installed, shop: Path
) -> None:
    assert "production.deploy" in installed.fab(shop, "--list").stdout
    ran = installed.fab(shop, "production.deploy", code=2)
    assert ran.stderr.splitlines()[0] == f"error: {shop}/hosts.ini: 4 problems"


def test_a_second_run_is_fabs_own_task_and_changes_nothing(
    installed: Installed, shop: Path
) -> None:
    before = {file: file.read_bytes() for file in shop.rglob("*") if file.is_file()}
    said = f"no change: {shop} is set up already; fab --list shows its tasks\n"
    assert (installed.fab(shop, "new").stdout, new(installed, shop)) == (said, said)
    after = {file: file.read_bytes() for file in before}
    assert after == before


def test_the_program_ends_as_fab_does_when_it_is_refused(
    installed: Installed, tmp_path: Path
) -> None:
    program = installed.program("wishwithme-ops")
    ran = run(program, "new", "--path", tmp_path, code=2)
    refusal = f"error: {tmp_path}: not in a git repository; git init first\n"
    assert (ran.stdout, ran.stderr) == ("", refusal)
    assert run(program, "nwe", code=2).stderr.startswith("error: there is no task nwe;")


def test_the_workflow_passes_the_judges_of_our_own_and_has_their_pins(shop: Path) -> None:
    run(TOOLS / "actionlint", shop / WORKFLOW)
    run(TOOLS / "zizmor", "--offline", "--pedantic", "--quiet", shop / WORKFLOW)
    schema = ("--builtin-schema", "vendor.github-workflows")
    run(TOOLS / "check-jsonschema", *schema, shop / WORKFLOW)
    ours = PIN.findall((ROOT / ".github/workflows/deploy.yml").read_text())
    assert {*PIN.findall((shop / WORKFLOW).read_text())} == {*ours}


def test_the_yaml_passes_the_judges_of_our_own(shop: Path) -> None:
    run(TOOLS / "yamllint", "--strict", "--config-file", ROOT / ".yamllint", shop / WORKFLOW)
    schema = ("--builtin-schema", "vendor.compose-spec")
    run(TOOLS / "check-jsonschema", *schema, shop / "compose.deploy.yaml")


def test_a_project_gets_the_patchwork_that_is_pinned_here(shop: Path) -> None:
    pin = re.findall(r"^patchwork==\S+", (ROOT / "requirements-patchwork.txt").read_text())
    assert re.findall(
        r"^patchwork==\S+", (shop / "requirements-patchwork.txt").read_text(), re.MULTILINE
    ) == pin  # fmt: skip
