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
QUEUED = {"deploy.yml": "", **{f"deploy-{name}.yml": name for name in SERVERS}}
"""Workflow of the queue → the server that it deploys; without one, all that changed."""
DEPLOYS = {**QUEUED, "hotfix.yml": ""}
CHANGING = {**dict.fromkeys(DEPLOYS, "deploy"), "rollback.yml": "rollback"}
"""Workflow that changes servers → its job that does."""
WITH_KEYS = {**CHANGING, "watch.yml": "watch"}
TESTS = {"quick.yml", "test.yml", "full.yml"}
each_queued = pytest.mark.parametrize("name", QUEUED)
each_changing = pytest.mark.parametrize("name", CHANGING)
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
    assert {file.name for file in FILES} == {*TESTS, *WITH_KEYS}


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
        "hotfix.yml": {"workflow_dispatch"},
        "quick.yml": {"workflow_call"},
        "rollback.yml": {"workflow_dispatch"},
        "watch.yml": {"schedule", "workflow_dispatch"},
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


def test_a_person_may_send_a_hotfix_or_take_a_server_back() -> None:
    fix = events(workflow("hotfix.yml"))["workflow_dispatch"]["inputs"]
    assert {name: (one["type"], one["default"]) for name, one in fix.items()} == {
        "ref": ("string", "main")
    }
    back = events(workflow("rollback.yml"))["workflow_dispatch"]["inputs"]
    assert back["server"]["options"] == SERVERS
    assert {name: one["required"] for name, one in back.items()} == {"server": True, "to": False}


@pytest.mark.parametrize("name", ["deploy.yml", "hotfix.yml"])
def test_no_push_and_no_hotfix_restarts_a_data_service(name: str) -> None:
    assert "restart" not in (ROOT / ".github/workflows" / name).read_text()


@each_deploy
def test_exactly_the_tested_commit_is_deployed(name: str) -> None:
    jobs = workflow(name)["jobs"]
    wanted = "github.sha" if name == "deploy.yml" else "inputs.ref"
    assert jobs["tests"]["with"] == {"ref": f"${{{{ {wanted} }}}}"}
    assert jobs["deploy"]["needs"] == "tests"
    asked = {"RESTART_DATA": "${{ inputs.restart-data }}"} if DEPLOYS[name] else {}
    assert jobs["deploy"]["env"] == {"COMMIT": "${{ needs.tests.outputs.commit }}", **asked}


def test_all_jobs_test_the_commit_that_the_first_one_checked_out() -> None:
    quick, whole = (read(ROOT / ".github/workflows" / name) for name in ("quick.yml", "test.yml"))
    outputs = [events(one)["workflow_call"]["outputs"]["commit"]["value"] for one in (quick, whole)]
    assert outputs == [
        "${{ jobs.services.outputs.commit }}",
        "${{ jobs.quick.outputs.commit }}",
    ]
    first = quick["jobs"]["services"]
    assert first["outputs"] == {"commit": "${{ steps.checkout.outputs.commit }}"}
    assert whole["jobs"]["quick"]["with"] == {"ref": "${{ inputs.ref || github.sha }}"}
    checkouts = [first, quick["jobs"]["fast"], whole["jobs"]["collection"]]
    assert [job["steps"][0]["with"]["ref"] for job in checkouts] == [
        "${{ inputs.ref }}",
        "${{ needs.services.outputs.commit }}",
        "${{ needs.quick.outputs.commit }}",
    ]


@each_deploy
def test_a_hotfix_alone_waits_for_the_quick_tests_only(name: str) -> None:
    used = workflow(name)["jobs"]["tests"]["uses"]
    assert used == f"./.github/workflows/{'quick' if name == 'hotfix.yml' else 'test'}.yml"


def test_an_older_push_is_neither_tested_nor_deployed() -> None:
    """A job that needs one which was left out is left out itself."""
    jobs = workflow("deploy.yml")["jobs"]
    assert jobs["turn"]["outputs"] == {"newest": "${{ steps.turn.outputs.newest }}"}
    assert jobs["turn"]["steps"][-1]["id"] == "turn"
    assert jobs["turn"]["steps"][-1]["env"] == {"COMMIT": "${{ github.sha }}"}
    assert (jobs["tests"]["needs"], jobs["tests"]["if"]) == (
        "turn",
        "needs.turn.outputs.newest == 'true'",
    )


def test_where_main_stands_now_is_fetched_with_its_history() -> None:
    """The whole history is every branch as it stands when the job begins (actions/checkout)."""
    for name in DEPLOYS:
        for job in ("turn", "deploy"):
            for step in workflow(name)["jobs"].get(job, {}).get("steps", [])[:1]:
                assert step["with"]["fetch-depth"] == 0


def test_every_part_of_the_fault_matrix_is_played_once_a_week() -> None:
    model = read(ROOT / ".github/workflows/full.yml")
    assert {*events(model)} == {"schedule", "workflow_dispatch"}
    job = model["jobs"]["full"]
    assert job["strategy"] == {"fail-fast": False, "matrix": {"part": [1, 2, 3, 4, 5, 6]}}
    assert job["steps"][-1]["env"] == {"PART": "${{ matrix.part }}"}


ONE_AT_A_TIME = {
    "cancel-in-progress": False,
    "queue": "max",  # without it a newer run takes the place of one that waits
}


@each_queued
def test_deploys_wait_for_each_other_tests_included_and_none_is_cancelled(name: str) -> None:
    assert workflow(name)["concurrency"] == {"group": "deploy", **ONE_AT_A_TIME}


@each_changing
def test_whoever_changes_servers_is_alone_and_is_not_cancelled(name: str) -> None:
    jobs = workflow(name)["jobs"]
    assert jobs[CHANGING[name]]["concurrency"] == {"group": "servers", **ONE_AT_A_TIME}
    assert [job for job in jobs if "concurrency" in jobs[job]] == [CHANGING[name]]


def test_a_hotfix_and_a_rollback_do_not_wait_for_the_tests_of_others() -> None:
    groups = {file.name: read(file).get("concurrency", {}).get("group") for file in FILES}
    assert {name for name, group in groups.items() if group == "deploy"} == {*QUEUED}
    assert {groups["hotfix.yml"], groups["rollback.yml"]} == {"hotfix", "rollback"}


def test_a_newer_push_to_a_pull_request_ends_its_older_tests_and_those_of_nobody_else() -> None:
    assert workflow("test.yml")["concurrency"] == {
        "group": "test-${{ github.event.pull_request.number || github.run_id }}",
        "cancel-in-progress": True,
    }


@pytest.mark.parametrize("name", WITH_KEYS)
def test_the_keys_go_to_the_tasks_that_call_fab_in_their_environment_and_nowhere_else(
    name: str,
) -> None:
    server = DEPLOYS.get(name, "")
    connected = around(INVENTORY, server) if server else INVENTORY.servers
    wanted = {
        one: f"${{{{ secrets.{one} }}}}" for one in (variable(server.name) for server in connected)
    }
    job = workflow(name)["jobs"][WITH_KEYS[name]]
    assert job["environment"] == ENVIRONMENT
    *before, last = job["steps"]
    inputs = {"SERVER": "${{ inputs.server }}", "TO": "${{ inputs.to }}"}
    assert last["env"] == ({**inputs, **wanted} if name == "rollback.yml" else wanted)
    tasks = [step for step in before if "inv ci." in step.get("run", "")]
    assert [step["env"] for step in tasks] == ([wanted] if name in DEPLOYS else [])
    text = (ROOT / ".github/workflows" / name).read_text()
    assert text.count("secrets.") == (1 + len(tasks)) * len(wanted)


def test_whoever_pushes_a_branch_finds_no_key_in_the_other_workflows() -> None:
    for name in TESTS:
        text = (ROOT / ".github/workflows" / name).read_text()
        assert "secrets" not in text
        assert "environment" not in text


@each_file
def test_no_input_title_or_branch_name_becomes_a_word_of_a_shell(file: Path) -> None:
    assert [step["run"] for step in steps(file) if "${{" in step.get("run", "")] == []


@each_file
def test_no_run_takes_anything_from_another_run(file: Path) -> None:
    """A pull request could leave a poisoned cache or artifact for the run that has the keys."""
    assert not re.search(r"cache|artifact", file.read_text())


def test_the_tests_run_on_the_python_of_the_images() -> None:
    versions = re.findall(r'python-version: "(.+)"', "".join(f.read_text() for f in FILES))
    assert len(versions) == 11
    assert {*versions} == {python_of_images()}


def allowed(name: str) -> set[str]:
    inv = ".venv/bin/inv"
    if name in DEPLOYS:
        server, words = DEPLOYS[name], ' --ref "$COMMIT"'
        if server:
            words = f' --server {server}{words} --restart-data "$RESTART_DATA"'
        turn = {f'{inv} ci.turn --ref "$COMMIT"'} if name == "deploy.yml" else set()
        return {"scripts/setup", f"{inv} ci.changes{words}", f"{inv} ci.deploy{words}"} | turn
    return {
        "quick.yml": {"scripts/test --services", "scripts/test --fast"},
        "test.yml": {"scripts/test --collection"},
        "full.yml": {'scripts/test --full --shard "$PART/6"'},
        "watch.yml": {"scripts/setup", f"{inv} ci.watch"},
        "rollback.yml": {
            "scripts/setup",
            f'{inv} ci.rollback --server "$SERVER" --to "$TO"',
        },
    }[name]


@each_file
def test_the_yaml_only_calls_tasks(file: Path) -> None:
    """One condition: the answer of ``ci.turn``."""
    assert {step["run"] for step in steps(file) if "run" in step} == allowed(file.name)
    decided = re.findall(
        r"^\s*(?:- )?(?:if|continue-on-error|shell):.*", file.read_text(), re.MULTILINE
    )
    assert [line.strip() for line in decided] == (
        ["if: needs.turn.outputs.newest == 'true'"] if file.name == "deploy.yml" else []
    )


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
