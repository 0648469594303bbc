"""The workflows deploy what belongs to each server, exactly what was tested, and decide nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml

from fabfile.model.content import inside, mounted_paths
from fabfile.model.inventory import parse as parse_inventory
from fabfile.model.stack import Stack
from fabfile.model.stack import parse as parse_stack
from scripts.ci.keys import around, variable
from tests.suite.judged_files import compose_settings

ROOT = Path(__file__).resolve().parents[2]
INVENTORY = parse_inventory((ROOT / "hosts.ini").read_text(), ROOT / "hosts.ini")
SERVERS = [server.name for server in INVENTORY.servers]
FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
CHOSEN = re.compile(r"^(nginx/(?:waf|link))/\w+$")
each_server = pytest.mark.parametrize("server", SERVERS)
each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


def read(file: Path) -> dict[Any, Any]:
    model: dict[Any, Any] = yaml.safe_load(file.read_text())
    return model


def workflow(server: str) -> dict[Any, Any]:
    return read(ROOT / f".github/workflows/deploy-{server}.yml")


def events(model: dict[Any, Any]) -> dict[str, Any]:
    """What stands under ``on``, which YAML reads as a truth value."""
    found: dict[str, Any] = model[True]
    return found


def steps(file: Path) -> list[dict[str, Any]]:
    return [step for job in read(file)["jobs"].values() for step in job.get("steps", ())]


def stack(server: str) -> Stack:
    """The server's stack as compose reads it, with every profile, as if this were its checkout."""
    file = ROOT / INVENTORY.server(server).compose
    with compose_settings(ROOT, file) as settings:
        tool = Path(sys.executable).with_name("docker-compose")
        words = [tool, "--env-file", settings, "-f", file, "--profile", "*"]
        words += ["config", "--format", "json"]
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=True)
    return parse_stack(done.stdout, "")


def made_of(server: str) -> set[str]:
    """The files and folders of the repository that a deploy of this server depends on."""
    checkout = PurePosixPath(ROOT)
    found = {str(INVENTORY.server(server).compose), ".env.example", "hosts.ini", "fabfile"}
    for service in stack(server).services:
        # Of folders that a setting chooses from, each may be a server's.
        found.update(CHOSEN.sub(r"\1", path) for path in mounted_paths(service, checkout))
        if service.build:
            found.add(inside(service.build.context, checkout) or "")
            dockerfile = inside(service.build.dockerfile, checkout) or ""
            if not any(dockerfile.startswith(f"{path}/") for path in found):
                found.add(dockerfile)
    return found


def test_every_server_has_a_workflow_and_no_other_is_there() -> None:
    wanted = {"test.yml", "full.yml", *(f"deploy-{server}.yml" for server in SERVERS)}
    assert {file.name for file in FILES} == wanted


@each_server
def test_a_push_to_main_deploys_when_something_of_the_stack_changed(server: str) -> None:
    globs = sorted(f"{path}/**" if (ROOT / path).is_dir() else path for path in made_of(server))
    assert events(workflow(server))["push"] == {"branches": ["main"], "paths": globs}


@each_server
def test_a_person_may_deploy_a_commit_by_hand(server: str) -> None:
    (name,) = events(workflow(server))["workflow_dispatch"]["inputs"]
    assert name == "ref"


@each_server
def test_exactly_the_tested_commit_is_deployed(server: str) -> None:
    jobs = workflow(server)["jobs"]
    assert jobs["tests"]["with"] == {"ref": "${{ inputs.ref || github.sha }}"}
    assert jobs["deploy"]["needs"] == "tests"
    assert jobs["deploy"]["env"] == {"COMMIT": "${{ needs.tests.outputs.commit }}"}
    tested = read(ROOT / ".github/workflows/test.yml")
    output = events(tested)["workflow_call"]["outputs"]["commit"]["value"]
    assert output == "${{ jobs.fast.outputs.commit }}"
    assert tested["jobs"]["fast"]["outputs"] == {"commit": "${{ steps.checkout.outputs.commit }}"}
    refs = [job["steps"][0]["with"]["ref"] for job in tested["jobs"].values()]
    assert refs == ["${{ inputs.ref || github.sha }}", "${{ needs.fast.outputs.commit }}"]


def test_every_part_of_the_fault_matrix_is_played_once_a_week() -> None:
    model = read(ROOT / ".github/workflows/full.yml")
    assert {*events(model)} == {"schedule", "workflow_dispatch"}
    job = model["jobs"]["full"]
    assert job["strategy"] == {"fail-fast": False, "matrix": {"part": [1, 2, 3, 4, 5, 6]}}
    assert job["steps"][-1]["env"] == {"PART": "${{ matrix.part }}"}


@each_server
def test_runs_for_one_server_wait_for_each_other_tests_included(server: str) -> None:
    model = workflow(server)
    assert model["concurrency"] == {"group": f"deploy-{server}", "cancel-in-progress": False}
    assert all("concurrency" not in job for job in model["jobs"].values())


@each_server
def test_the_keys_of_linked_servers_go_to_the_two_tasks_and_nowhere_else(server: str) -> None:
    names = [variable(linked.name) for linked in around(INVENTORY, server)]
    wanted = {name: f"${{{{ secrets.{name} }}}}" for name in names}
    found = [step.get("env") for step in workflow(server)["jobs"]["deploy"]["steps"]]
    assert found == [None, None, None, wanted, wanted]
    assert (ROOT / f".github/workflows/deploy-{server}.yml").read_text().count(
        "secrets."
    ) == 2 * len(names)


def allowed(file: Path) -> set[str]:
    if file.name == "test.yml":
        return {"scripts/test --fast", "scripts/test"}
    if file.name == "full.yml":
        return {'scripts/test --full --shard "$PART/6"'}
    words = f'--server {file.stem.removeprefix("deploy-")} --ref "$COMMIT"'
    return {
        "scripts/setup",
        f".venv/bin/inv ci.changes {words}",
        f".venv/bin/inv ci.deploy {words}",
    }


@each_file
def test_the_yaml_only_calls_tasks(file: Path) -> None:
    assert {step["run"] for step in steps(file) if "run" in step} == allowed(file)
    assert not re.search(r"^\s*(- )?(if|continue-on-error|shell):", file.read_text(), re.MULTILINE)


@each_file
def test_every_action_is_one_of_two_and_pinned_by_its_digest(file: Path) -> None:
    used = re.findall(r"uses: (?!\./)(.+)", file.read_text())
    assert used
    for one in used:
        assert re.fullmatch(r"actions/(checkout|setup-python)@[0-9a-f]{40} # v\d+\.\d+\.\d+", one)


@each_file
def test_no_step_can_push_or_outlive_its_deadline(file: Path) -> None:
    model = read(file)
    assert model["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in model["jobs"].values())
    for job in model["jobs"].values():
        assert "uses" in job or job["timeout-minutes"] > 0
    checkouts = [step for step in steps(file) if "checkout@" in step.get("uses", "")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)
