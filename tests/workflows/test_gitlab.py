"""docs/gitlab-ci.yml: which jobs a pipeline has, what they run, and that it works in a shell."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.ci.keys import ENVIRONMENT
from tests.suite.images import python_of_images

from . import samples
from .bench import Bench, git, words_of
from .playing import furnish, shell

ROOT = Path(__file__).resolve().parents[2]
MODEL: dict[str, Any] = yaml.safe_load((ROOT / "docs/gitlab-ci.yml").read_text())
NOT_JOBS = {"stages", "workflow", "variables", "default"}
JOBS = [name for name in MODEL if name not in NOT_JOBS and not name.startswith(".")]
CHANGING = {"deploy", "rollback"}
TESTS = {"own-tests", "fast", "collection"}
MAIN = {"CI_DEFAULT_BRANCH": "main", "CI_COMMIT_BRANCH": "main", "CI_PIPELINE_SOURCE": "push"}
DEFAULTS = {
    name: one["value"] if isinstance(one, dict) else one for name, one in MODEL["variables"].items()
}


def whole(name: str) -> dict[str, Any]:
    """A job with what it extends."""
    job: dict[str, Any] = MODEL[name]
    return {**MODEL["default"], **(whole(job["extends"]) if "extends" in job else {}), **job}


def holds(condition: str, variables: dict[str, str]) -> bool:
    """``$A == $B && $C == "text" || …``, in GitLab's order of precedence."""

    def equal(one: str) -> bool:
        left, right = (
            variables.get(side[1:], "") if side.startswith("$") else side.strip('"')
            for side in one.split(" == ")
        )
        return left == right

    return any(all(map(equal, part.split(" && "))) for part in condition.split(" || "))


def first(rules: list[dict[str, Any]], variables: dict[str, str]) -> dict[str, Any]:
    """The first rule that holds; without one a job is left out."""
    fitting = (rule for rule in rules if "if" not in rule or holds(rule["if"], variables))
    return next(fitting, {"when": "never"})


def chosen(rules: list[dict[str, Any]], variables: dict[str, str]) -> bool:
    return first(rules, variables).get("when", "on_success") != "never"


def pipeline(**variables: str) -> set[str]:
    """The jobs of a pipeline."""
    known = {**DEFAULTS, **MAIN, **variables}
    if not chosen(MODEL["workflow"]["rules"], known):
        return set()
    return {name for name in JOBS if chosen(whole(name)["rules"], known)}


BRANCH = {"CI_COMMIT_BRANCH": "fix"}
REQUEST = {"CI_COMMIT_BRANCH": "", "CI_PIPELINE_SOURCE": "merge_request_event"}


@pytest.mark.parametrize(
    ("variables", "jobs"),
    [
        ({}, {*TESTS, "deploy"}),
        ({"TASK": "hotfix", "CI_PIPELINE_SOURCE": "web"}, {"own-tests", "fast", "deploy"}),
        ({"TASK": "rollback", "CI_PIPELINE_SOURCE": "web"}, {"rollback"}),
        ({"CI_PIPELINE_SOURCE": "schedule"}, {"watch"}),
        ({"CI_PIPELINE_SOURCE": "schedule", "TASK": "rollback"}, {"watch"}),
        (REQUEST, TESTS),
        ({**REQUEST, "TASK": "rollback"}, set()),
        (BRANCH, set()),
        ({**BRANCH, "TASK": "rollback", "CI_PIPELINE_SOURCE": "web"}, set()),
    ],
)
def test_each_pipeline_has_its_jobs(variables: dict[str, str], jobs: set[str]) -> None:
    assert pipeline(**variables) == jobs


@pytest.mark.parametrize(
    ("source", "cancelled"), [("push", "interruptible"), ("web", "none"), ("schedule", "none")]
)
def test_a_push_ends_the_tests_of_an_older_push_and_nothing_else(
    source: str, cancelled: str
) -> None:
    workflow = MODEL["workflow"]
    rule = first(workflow["rules"], {**MAIN, "CI_PIPELINE_SOURCE": source})
    assert {**workflow, **rule}["auto_cancel"] == {"on_new_commit": cancelled}


@pytest.mark.parametrize("name", sorted(CHANGING))
def test_whoever_changes_servers_is_alone_is_not_cancelled_and_is_in_the_environment(
    name: str,
) -> None:
    job = whole(name)
    assert (job["resource_group"], job["interruptible"]) == ("servers", False)
    assert job["environment"] == ENVIRONMENT
    assert whole("watch")["environment"] == {"name": ENVIRONMENT, "action": "verify"}


def test_every_job_has_its_time_and_the_python_of_the_images() -> None:
    assert all("timeout" in whole(name) for name in JOBS)
    assert MODEL["default"]["image"].startswith(f"python:{python_of_images()}.")


def scripts() -> dict[str, list[str]]:
    return {name: whole(name)["script"] for name in JOBS}


def test_the_yaml_only_calls_tasks() -> None:
    inv, words = ".venv/bin/inv", '--ref "$CI_COMMIT_SHA" --restart-data "$RESTART_DATA"'
    assert scripts() == {
        "own-tests": ["scripts/test --services"],
        "fast": ["scripts/test --fast"],
        "collection": ["scripts/test --collection"],
        "deploy": ["scripts/setup", f"{inv} ci.changes {words}", f"{inv} ci.deploy {words}"],
        "rollback": [
            "scripts/setup",
            f'{inv} ci.rollback --server "$SERVER" --to "$TO"',
        ],
        "watch": ["scripts/setup", f"{inv} ci.watch"],
    }


@pytest.fixture
def job(bench: Bench, secret: str) -> Any:
    """Play a job's lines as a runner of GitLab does: a clone, the variables, a shell."""
    hosts = samples.HOSTS.replace("far-away", "montreal").partition("[third]")[0]
    (bench.folder / "hosts.ini").write_text(hosts)
    place = bench.folder / "builds"

    def play(name: str, **variables: str) -> Any:
        git(bench.folder, "clone", "-q", str(bench.checkout), str(place))
        git(place, "checkout", "-q", "--detach", bench.head)
        furnish(bench, place)
        key = base64.b64encode(secret.encode()).decode()
        known = {**DEFAULTS, **MAIN, "SSH_KEY_UBUNTU": key, "SSH_KEY_MONTREAL": key, **variables}
        known["CI_COMMIT_SHA"] = bench.head
        return shell(bench, "\n".join(whole(name)["script"]), place, known, "GITLAB_CI")

    return play


def plans(bench: Bench) -> list[dict[str, Any]]:
    found = bench.plans("ubuntu")[::2]
    return [{**one, "server": one["server"].replace("far-away", "montreal")} for one in found]


def test_a_push_is_deployed_in_sections_with_its_summary_in_the_log(bench: Bench, job: Any) -> None:
    bench.lay(plan_json=plans(bench), deploy_json=samples.views(), history_json=samples.record())
    done = job("deploy")
    assert done.returncode == 0, done.stderr
    assert [one for one in words_of(bench) if ".history" not in one] == [
        *("plan", "plan", "ubuntu.deploy --yes")
    ]
    opened = re.findall(r"section_start:\d+:(\w+)\r\x1b\[0K(.+)\n", done.stderr)
    closed = re.findall(r"section_end:\d+:(\w+)\r\x1b\[0K\n", done.stderr)
    assert [name for name, _ in opened] == closed
    assert [title for _, title in opened] == [
        *[f"fab plan --ref={bench.head}"] * 2,
        f"fab ubuntu.deploy --yes --ref={bench.head}",
    ]
    assert "## ubuntu: accepted" in done.stdout
    assert "| start core-api | done | 61.0 s |" in done.stdout
    assert "::" not in done.stderr.replace("::stop", "")
    assert bench.keys_left == []


def test_a_deploy_that_went_back_is_red(bench: Bench, job: Any) -> None:
    bench.lay(plan_json=plans(bench), deploy_code="1", deploy_err="error: ubuntu is back\n")
    done = job("deploy")
    assert done.returncode == 1
    assert "error: ubuntu is back\n" in done.stderr
    assert "## ubuntu: deploy failed; nothing was changed, or" in done.stdout


def test_a_rollback_takes_the_server_and_the_release_that_were_chosen(
    bench: Bench, job: Any
) -> None:
    bench.lay(rollback_json=samples.views()[0], history_json=samples.record())
    assert job("rollback", SERVER="montreal", TO="$(touch pwned)").returncode == 0
    assert words_of(bench)[0] == "montreal.rollback --yes --to=$(touch pwned) --json"
    assert [*bench.folder.rglob("pwned")] == []


def test_the_watch_is_red_when_the_backup_cannot_be_restored(bench: Bench, job: Any) -> None:
    bench.lay(verify_code="1", verify_err="error: ubuntu: it came back differently\n")
    assert job("watch").returncode == 1
    assert len(bench.calls) == 3


def test_a_key_is_no_part_of_what_is_shown(bench: Bench, job: Any, secret: str) -> None:
    done = job("deploy", SSH_KEY_UBUNTU="bm9uc2Vuc2U=")
    assert done.returncode == 2
    assert "SSH_KEY_UBUNTU is not a whole private key" in done.stdout
    said = done.stdout + done.stderr
    assert [line for line in secret.splitlines() if line in said] == []
