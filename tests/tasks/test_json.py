"""--json: one value on standard output, with the fields that docs/json.md promises."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from scripts.ci.changes import MOVES

from .fakes.fleet import Fleet

DOCS = Path(__file__).resolve().parents[2] / "docs" / "json.md"
COMMANDS = [
    "plan",
    "ubuntu.plan",
    "deploy",
    "ubuntu.deploy",
    "ubuntu.rollback",
    "ubuntu.history",
    "status",
    "ubuntu.status",
    "ubuntu.health",
]


def fields(title: str) -> list[str]:
    """The fields that the documentation lists under a heading."""
    _, _, section = DOCS.read_text().partition(f"# {title}\n")
    table = re.split(r"\n#+ ", section)[0]
    return re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)


def without_tags(value: Any) -> Any:
    """The same value with every content tag called TAG."""
    if isinstance(value, str):
        return re.sub(r":[0-9a-f]{16}\b", ":TAG", value)
    if isinstance(value, list):
        return [without_tags(item) for item in value]
    if isinstance(value, dict):
        return {key: without_tags(item) for key, item in value.items()}
    return value


@pytest.fixture
def second(running: Fleet) -> Fleet:
    """A second commit that waits to be deployed."""
    running.origin.commit("Second", {"services/web/index.html": "Welcome again\n"})
    return running


@pytest.mark.parametrize("command", COMMANDS)
def test_standard_output_is_one_json_value_and_nothing_else(second: Fleet, command: str) -> None:
    second.fab("ubuntu.deploy")
    ran = second.fab(f"{command} --json")
    assert ran.code == 0, ran.everything
    assert isinstance(ran.json, (list, dict))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_is_refused_prints_no_json(second: Fleet, command: str) -> None:
    """Every server lacks something: what shows each for itself would show the other one."""
    second.ubuntu.missing_programs = second.montreal.missing_programs = ("git",)
    second.ubuntu.locks["locks"] = "someone"
    ran = second.fab(f"{command} --json")
    if ran.code:
        assert ran.out == ""
        assert ran.error


def test_a_plan_is_told_whole(second: Fleet) -> None:
    (plan,) = second.fab("ubuntu.plan --json").json
    assert list(plan) == sorted(fields("plan"))
    assert without_tags(plan) == {
        "server": "ubuntu",
        "commit": second.origin.tip.id,
        "subject": "Second",
        "since": second.origin.commits[0].id,
        "steps": [
            {"kind": "fetch", "subject": "00000002", "reason": "the wanted commit", "force": False},
            {
                "kind": "build",
                "subject": "web",
                "reason": "app/web:TAG not on the server",
                "force": False,
            },
            {
                "kind": "checkout",
                "subject": "00000002",
                "reason": "was 00000001",
                "force": False,
            },
            {
                "kind": "roll",
                "subject": "web",
                "reason": "services/web: 1 file in 1 commit since 00000001",
                "force": False,
            },
        ],
        "untouched": ["db", "api", "proxy"],
        "notes": [
            (
                "web is replaced in place: what is under way there is cut, and it answers nobody"
                " until the new one is healthy"
            )
        ],
        "refusals": [],
    }
    assert sorted(plan["steps"][0]) == sorted(fields("plan: steps"))


def test_a_deploy_tells_the_releases_that_it_made(second: Fleet) -> None:
    found = second.fab("deploy --json").json
    assert [sorted(release) for release in found] == [sorted(fields("deploy"))] * 2
    (montreal, ubuntu) = found
    record = second.releases("ubuntu")[-1]
    assert ubuntu == {
        "id": record.id,
        "server": "ubuntu",
        "commit": second.origin.tip.id,
        "subject": "Second",
        "outcome": "verified",
        "who": "somebody (CI run 7)",
        "started": record.started,
        "seconds": record.finished - record.started,
        "error": "",
    }
    assert montreal["outcome"] == "verified"


def test_a_commit_that_changes_nothing_that_runs_only_moves_the_checkouts(running: Fleet) -> None:
    """By this a push leaves a server as it is (scripts/ci/changes.py)."""
    running.origin.commit("Docs", {"docs/deploy.md": "How a deploy goes, told anew\n"})
    plans = running.fab("plan --json").json
    assert [{step["kind"] for step in plan["steps"]} for plan in plans] == [MOVES] * 2


def test_a_deploy_that_had_nothing_to_do_made_no_release(running: Fleet) -> None:
    assert running.fab("deploy --json").json == []


def test_the_steps_of_a_json_deploy_go_to_standard_error(second: Fleet) -> None:
    err = second.fab("ubuntu.deploy --json").err
    assert "[ubuntu] ✓ roll web" in err


def test_history_tells_the_newest_first(second: Fleet) -> None:
    second.ubuntu.fail("compose build", times=1)
    second.fab("ubuntu.deploy")
    second.fab("ubuntu.deploy")
    found = second.fab("ubuntu.history --json").json
    assert sorted(found[0]) == sorted([*fields("deploy"), *fields("history")])
    assert [release["outcome"] for release in found] == ["verified", "failed", "verified"]
    assert found[1]["error"].startswith("build web: ubuntu: ")
    assert len(second.fab("ubuntu.history --json --number 2").json) == 2


def test_one_record_is_told_whole_but_for_the_digests_of_the_settings(second: Fleet) -> None:
    second.fab("ubuntu.deploy")
    record = second.releases("ubuntu")[-1]
    found = second.fab(f"ubuntu.history --show {record.id} --json").json
    assert sorted(found) == sorted(fields("history --show"))
    assert (found["engine"], found["compose"]) == ("26.1.5", "2.26.1")
    assert sorted(found["steps"][0]) == sorted(fields("history --show: steps, gates"))
    assert sorted(found["gates"][0]) == sorted(fields("history --show: steps, gates"))
    assert (found["id"], found["ref"], found["schema"]) == (record.id, "main", "001")


def test_status_tells_what_runs_and_what_waits(second: Fleet) -> None:
    found = second.fab("status --json").json
    assert sorted(found) == ["montreal", "ubuntu"]
    ubuntu = found["ubuntu"]
    assert sorted(ubuntu) == sorted(fields("status"))
    assert sorted(ubuntu["services"][0]) == sorted(fields("status: services"))
    assert [service["service"] for service in ubuntu["services"]] == [
        "db", "api", "web", "proxy",
    ]  # fmt: skip
    assert without_tags(ubuntu["services"][2]) == {
        "service": "web",
        "state": "running",
        "health": "healthy",
        "image": "app/web:TAG",
        "as_deployed": True,
        "deployed": True,
        "well": True,
        "memory": 0,
        "limit": 0,
        "restarts": 0,
        "running": 1,
    }
    assert ubuntu["wanted"] == {"commit": second.origin.tip.id, "subject": "Second"}
    assert ubuntu["release"] == ubuntu["last"]
    assert ubuntu["head"] == second.origin.commits[0].id
    assert without_tags(ubuntu["pending"])[1] == "build web: app/web:TAG not on the server"
    assert (ubuntu["problems"], ubuntu["warnings"], ubuntu["busy"]) == ([], [], "")
    assert (ubuntu["waits"], ubuntu["edited"]) == (1, [])
    assert ubuntu["certificate"] == {"ends": 2082585600, "ending": []}
    assert ubuntu["wrong"] == []
    assert ubuntu["disk"] == [{"mount": "/", "free_bytes": 20 << 30, "total_bytes": 50 << 30}]


def test_status_of_an_empty_server_has_no_release(fleet: Fleet) -> None:
    found = fleet.fab("ubuntu.status --json").json["ubuntu"]
    assert (found["release"], found["last"], found["head"]) == (None, None, "")
    assert {service["state"] for service in found["services"]} == {"absent"}


def test_health_tells_every_gate_also_when_one_is_red(running: Fleet) -> None:
    running.ubuntu.engine.containers["app-web"].health = "unhealthy"
    ran = running.fab("ubuntu.health --json")
    assert ran.code == 1
    assert [sorted(gate) for gate in ran.json] == [sorted(fields("health"))] * len(ran.json)
    red = {gate["gate"]: gate["why"] for gate in ran.json if not gate["ok"]}
    assert red == {"probe:web": "container is unhealthy"}
    assert ran.error == "ubuntu: red gates: probe:web"
