"""The workflows deploy what belongs to each server, exactly what was tested, and decide nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from fabfile.model.hosts.hosts_ini import parse as parse_inventory
from scripts.ci.keys import ENVIRONMENT, around, variable
from tests.suite.images import python_of_images

ROOT = Path(__file__).resolve().parents[2]
INVENTORY = parse_inventory((ROOT / "hosts.ini").read_text(), ROOT / "hosts.ini")
SERVERS = [server.name for server in INVENTORY.servers]
FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
DEPLOYS = {"deploy.yml": "", **{f"deploy-{name}.yml": name for name in SERVERS}}
"""Workflow → the server that it deploys; without one, all that changed."""
each_deploy = pytest.mark.parametrize("name", DEPLOYS)
each_server = pytest.mark.parametrize("server", SERVERS)
each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


def read(file: Path) -> dict[Any, Any]:
    model: dict[Any, Any] = yaml.safe_load(file.read_text())
    return model


def workflow(name: str) -> dict[Any, Any]:
    return read(ROOT / ".github/workflows" / name)


def events(model: dict[Any, Any]) -> dict[str, Any]:
    """What stands under ``on``, which YAML reads as a truth value."""
    found: dict[str, Any] = model[True]
    return found


def steps(file: Path) -> list[dict[str, Any]]:
    return [step for job in read(file)["jobs"].values() for step in job.get("steps", ())]


def test_every_server_has_a_workflow_and_no_other_is_there() -> None:
    assert {file.name for file in FILES} == {"test.yml", "full.yml", *DEPLOYS}


def test_a_push_to_main_is_tested_and_decided_once() -> None:
    """Two runs of one push could leave one server new while the other went back."""
    pushed = {file.name: events(read(file)).get("push") for file in FILES}
    assert {name for name in pushed if pushed[name]} == {"deploy.yml"}
    assert pushed["deploy.yml"] == {"branches": ["main"]}


def test_nothing_but_pushes_pull_requests_people_and_the_clock_starts_a_run() -> None:
    """pull_request_target, workflow_run and comments would run with rights for strangers."""
    assert {file.name: {*events(read(file))} for file in FILES} == {
        "deploy.yml": {"push"},
        "full.yml": {"schedule", "workflow_dispatch"},
        "test.yml": {"pull_request", "workflow_call", "workflow_dispatch"},
        **{f"deploy-{server}.yml": {"workflow_dispatch"} for server in SERVERS},
    }


@each_server
def test_a_person_may_deploy_a_commit_by_hand(server: str) -> None:
    inputs = events(workflow(f"deploy-{server}.yml"))["workflow_dispatch"]["inputs"]
    assert {name: (one["type"], one["default"]) for name, one in inputs.items()} == {
        "ref": ("string", "main"),
        "restart-data": ("boolean", False),
    }


def test_no_push_restarts_a_data_service() -> None:
    assert "restart" not in (ROOT / ".github/workflows/deploy.yml").read_text()


@each_deploy
def test_exactly_the_tested_commit_is_deployed(name: str) -> None:
    jobs = workflow(name)["jobs"]
    wanted = "inputs.ref" if DEPLOYS[name] else "github.sha"
    assert jobs["tests"]["with"] == {"ref": f"${{{{ {wanted} }}}}"}
    assert jobs["deploy"]["needs"] == "tests"
    asked = {"RESTART_DATA": "${{ inputs.restart-data }}"} if DEPLOYS[name] else {}
    assert jobs["deploy"]["env"] == {"COMMIT": "${{ needs.tests.outputs.commit }}", **asked}
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


@each_deploy
def test_deploys_wait_for_each_other_tests_included_and_none_is_cancelled(name: str) -> None:
    model = workflow(name)
    assert model["concurrency"] == {
        "group": "deploy",
        "cancel-in-progress": False,
        "queue": "max",  # without it a newer run takes the place of one that waits
    }
    assert all("concurrency" not in job for job in model["jobs"].values())


def test_no_other_workflow_waits_in_the_queue_of_deploys() -> None:
    groups = {file.name: read(file).get("concurrency", {}).get("group") for file in FILES}
    assert {name for name, group in groups.items() if group == "deploy"} == {*DEPLOYS}


@each_deploy
def test_the_keys_go_to_the_two_tasks_in_their_environment_and_nowhere_else(name: str) -> None:
    connected = around(INVENTORY, DEPLOYS[name]) if DEPLOYS[name] else INVENTORY.servers
    names = [variable(server.name) for server in connected]
    wanted = {one: f"${{{{ secrets.{one} }}}}" for one in names}
    job = workflow(name)["jobs"]["deploy"]
    assert job["environment"] == ENVIRONMENT
    assert [step.get("env") for step in job["steps"]] == [None, None, None, wanted, wanted]
    text = (ROOT / ".github/workflows" / name).read_text()
    assert text.count("secrets.") == 2 * len(names)


def test_whoever_pushes_a_branch_finds_no_key_in_the_other_workflows() -> None:
    for file in FILES:
        if file.name not in DEPLOYS:
            assert "secrets" not in file.read_text()
            assert "environment" not in file.read_text()


@each_file
def test_no_input_title_or_branch_name_becomes_a_word_of_a_shell(file: Path) -> None:
    assert [step["run"] for step in steps(file) if "${{" in step.get("run", "")] == []


@each_file
def test_no_run_takes_anything_from_another_run(file: Path) -> None:
    """A pull request could leave a poisoned cache or artifact for the run that has the keys."""
    assert not re.search(r"cache|artifact", file.read_text())


def test_the_tests_run_on_the_python_of_the_images() -> None:
    versions = re.findall(r'python-version: "(.+)"', "".join(f.read_text() for f in FILES))
    assert len(versions) == 6
    assert {*versions} == {python_of_images()}


def allowed(file: Path) -> set[str]:
    if file.name == "test.yml":
        return {"scripts/test --fast", "scripts/test"}
    if file.name == "full.yml":
        return {'scripts/test --full --shard "$PART/6"'}
    server = DEPLOYS[file.name]
    words = ' --ref "$COMMIT"'
    if server:
        words = f' --server {server}{words} --restart-data "$RESTART_DATA"'
    return {
        "scripts/setup",
        f".venv/bin/inv ci.changes{words}",
        f".venv/bin/inv ci.deploy{words}",
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
