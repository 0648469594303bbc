"""/live is 200 with PostgreSQL and Redis stopped; /healthz answers 200 with "unhealthy" inside."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.incidents.stories import BackendsGone, Sick

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged", "tests.incidents.stories")

PROBES = ("probe:core-api-1", "probe:core-api-2")
DEEP = (*PROBES, "proxy:api", "outside:api")


def test_the_body_decides_where_the_status_says_200(sick: Sick) -> None:
    """The status is as expected, compose calls the containers healthy; nobody else asks them."""
    assert sick.ubuntu.code == 1, sick.ubuntu
    assert sick.ubuntu.error.startswith("ubuntu: the probe of every new replica did not come true")
    for gate in PROBES:
        said = f'{gate}: answered 200 with status = "unhealthy", expected "healthy": '
        assert [line for line in sick.ubuntu.evidence if line.startswith(said)], sick.ubuntu


def test_the_last_log_lines_of_the_container_at_fault_are_shown(sick: Sick) -> None:
    lines = [line for line in sick.ubuntu.evidence if "health: a planted fault" in line]
    assert lines, sick.ubuntu


def test_the_release_before_serves_again(sick: Sick) -> None:
    assert sick.after["ubuntu"]["head"] == sick.before["ubuntu"]["head"]
    assert sick.after["ubuntu"]["last"]["outcome"] == "verified"
    assert {service["as_deployed"] for service in sick.after["ubuntu"]["services"]} == {True}


def test_gates_are_red_while_live_says_200(backends_gone: BackendsGone) -> None:
    assert backends_gone.live == (200, '{"status":"ok"}')
    assert json.loads(backends_gone.deep[1])["status"] == "unhealthy"
    assert backends_gone.health.code == 1
    red = {name for name, gate in backends_gone.gates.items() if not gate["ok"]}
    assert red == {*DEEP, "check:events", "probe:postgres", "probe:redis"}
    for name in red - {*DEEP, "check:events"}:
        service = name.partition(":")[2]
        assert backends_gone.gates[name]["why"] == f"container wishwithme-{service} is exited"


def test_a_deploy_starts_what_was_stopped_and_replaces_nothing(backends_gone: BackendsGone) -> None:
    assert backends_gone.healed.code == 0, backends_gone.healed
    started = [step for step in backends_gone.healed.steps("ubuntu") if step.startswith("up ")]
    assert started == ["up postgres", "up redis"]
    assert backends_gone.healed_containers == backends_gone.containers
