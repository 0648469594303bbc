"""What a stack may say: nothing of it is passed over."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fabfile.model.deploy.resolved import parse

from .builders import facts, stack_problems


def problems(service: dict[str, Any], **more: Any) -> list[str]:
    model = {"name": "app", "services": {"a": {"image": "a:1", **service}}, **more}
    return stack_problems(facts(containers=()), parse(json.dumps(model), ""))


PORT = {"target": 80, "published": "8080", "protocol": "tcp"}


@pytest.mark.parametrize(
    ("service", "said"),
    [
        (
            {"deploy": {"replicas": 2}, "ports": [PORT]},
            "2 replicas cannot publish port 8080: give it a range of 2 ports or more",
        ),
        (
            {"scale": 3, "ports": [{**PORT, "published": "8080-8081"}]},
            "3 replicas cannot publish port 8080: give it a range of 3 ports or more",
        ),
        (
            {"models": {"tiny": None}},
            "models are run by the engine, not carried out here: remove them",
        ),
        ({"scale": 0}, "0 replicas: use a profile to leave it out"),
        ({"label_file": ["/x"]}, "label_file is read in the old checkout: write labels"),
        (
            {"network_mode": "service:b"},
            "network_mode is that of b, and ends when b is replaced: give it its own",
        ),
        ({"pid": "container:b"}, "pid is that of b, and ends when b is replaced: give it its own"),
        ({"ipc": "service:b"}, "ipc is that of b, and ends when b is replaced: give it its own"),
        ({"volumes_from": ["b"]}, "volumes_from follows another container: name the volumes"),
        ({"provider": {"type": "x"}}, "a provider runs it, and no container: remove it"),
        (
            {"pull_policy": "always"},
            "pull_policy always would run another image than the one that was prepared: remove it",
        ),
    ],
)
def test_what_a_deploy_would_leave_undone_is_refused_by_name(
    service: dict[str, Any], said: str
) -> None:
    assert problems(service) == [f"service a: {said}"]


def test_a_part_of_the_stack_that_nobody_carries_out_is_refused_by_name() -> None:
    said = "the stack has 'models', which this collection does not carry out: remove it"
    assert problems({}, models={"m": {}}) == [said]


@pytest.mark.parametrize(
    "service",
    [
        {},
        {"deploy": {"replicas": 1}},
        {"deploy": {"replicas": 2}},
        {"scale": 2, "ports": [{**PORT, "published": "8080-8081"}]},
        {"network_mode": "host"},
        {"ipc": "host"},
        {"pull_policy": "missing"},
        {"develop": {"watch": []}, "profiles": ["x"]},
    ],
)
def test_what_is_understood_is_no_problem(service: dict[str, Any]) -> None:
    assert problems(service, **{"x-y": {}}) == []
