"""Settings of a service that fight the proxy's: a deploy and the doctor warn of them."""

from __future__ import annotations

import json

import pytest

from fabfile.model.release import KILLED
from fabfile.remote.deploy import beside

from .fakes.application import UBUNTU
from .fakes.engine import Ended
from .fakes.fleet import Fleet

BALANCED = json.loads(json.dumps(UBUNTU))
BALANCED["x-deploy"]["proxy"]["upstreams"] = "nginx/ubuntu/nginx.conf"
EARLY = (
    "api-1 closes an idle connection after 5.0 s, but the proxy keeps it for 60 s: requests that"
    " meet the close end with 502; let the service keep it longer"
)


def test_a_service_that_closes_idle_connections_early_is_warned_of(running: Fleet) -> None:
    changes = {"compose/ubuntu.yml": json.dumps(BALANCED), "services/web/index.html": "Welcome 2"}
    running.origin.commit("Balanced", changes)
    running.ubuntu.fail("^idle", ended=Ended(0, "api-1 5001 60\n"))
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert f"[ubuntu] warning: {EARLY}" in ran.lines
    assert running.fab("doctor --json").json["ubuntu"]["warnings"] == [EARLY]


def test_a_container_that_had_to_be_killed_is_warned_of_until_one_ended_by_itself(
    running: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = f"retire api: {KILLED}"
    with monkeypatch.context() as slow:
        retiring = beside.retire
        slow.setattr(beside, "retire", lambda *words: f"{retiring(*words)}{KILLED}")
        running.origin.commit("Slow to stop", {"services/api/app.py": "api, version 2"})
        ran = running.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert f"[ubuntu] warning: {told}" in ran.lines
    assert running.fab("doctor --json").json["ubuntu"]["warnings"] == [told]
    running.origin.commit("Mended", {"services/api/app.py": "api, version 3"})
    assert running.fab("ubuntu.deploy").code == 0
    assert running.fab("doctor --json").json["ubuntu"]["warnings"] == []
