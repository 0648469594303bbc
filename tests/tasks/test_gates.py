"""How long a deploy waits for gates that are red at first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from fabfile.model.errors import Trouble
from fabfile.model.probe import Answer, Question, Verdict
from fabfile.ops import gates

from .fakes.application import API, UBUNTU
from .fakes.fleet import HOSTS, Fleet

TARDY = "upstream is starting"


@pytest.fixture
def asked(running: Fleet, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many questions each round asks from outside; the first round is answered 502."""
    rounds: list[int] = []
    serving = running._ask_from_here

    def ask(
        questions: Sequence[Question],
        env: Mapping[str, str],
        edge: tuple[str, int] | None,
        trust: str = "",
    ) -> list[Answer]:
        rounds.append(len(questions))
        if len(rounds) == 1:
            return [Answer(502, TARDY, "") for _ in questions]
        return serving(questions, env, edge, trust)

    monkeypatch.setattr("fabfile.remote.outside.ask_from_here", ask)
    running.origin.commit("New interface", {"services/api/main.py": "new"})
    return rounds


def test_a_gate_that_turns_green_within_settle_seconds_is_green(
    running: Fleet, asked: list[int]
) -> None:
    """A look at the clock takes 31 seconds here."""
    running.hosts.write_text(HOSTS.replace("branch", "settle = 32\nbranch"))
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert len(asked) == 2


@pytest.mark.parametrize("settle", ["0", "31"])
def test_a_gate_that_is_red_when_settle_has_passed_fails_the_deploy(
    running: Fleet, asked: list[int], settle: str
) -> None:
    running.hosts.write_text(HOSTS.replace("branch", f"settle = {settle}\nbranch"))
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 1, ran.everything
    assert any("502" in line for line in ran.evidence), ran.everything
    assert len(asked) == 2, "the second round proves the way back"


CHECKED = json.loads(json.dumps(UBUNTU))
CHECKED["x-deploy"]["api"] = {**API, "checks": {"events": ["check", "events"]}}


def gate(fleet: Fleet, name: str) -> tuple[bool, str]:
    gates = {one["gate"]: one for one in fleet.fab("ubuntu.health --json").json}
    return gates[name]["ok"], gates[name]["why"]


def test_a_check_is_asked_inside_the_running_container(running: Fleet) -> None:
    running.origin.commit("Checks", {"compose/ubuntu.yml": json.dumps(CHECKED)})
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert gate(running, "check:events") == (True, "events pass")
    asked = [words for words in running.ubuntu.transcript if words[:2] == ("docker", "exec")]
    assert {*asked} == {("docker", "exec", "app-api-1", "check", "events")}
    running.ubuntu.engine.containers["app-api-1"].state = "exited"
    assert gate(running, "check:events") == (True, "events pass")
    running.ubuntu.engine.containers["app-api-2"].state = "exited"
    assert gate(running, "check:events") == (False, "container app-api-1 does not run")


def test_a_check_that_fails_is_a_red_gate_and_the_server_goes_back(running: Fleet) -> None:
    changes = {"compose/ubuntu.yml": json.dumps(CHECKED), "services/api/app.py": "NO EVENTS"}
    running.origin.commit("Checks", changes)
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 1, ran.everything
    assert ran.error.startswith("ubuntu: red gates: check:events; ubuntu is back at 00000001")
    assert ran.evidence == ["check:events: no event"]
    assert ran.next[1] == "fab ubuntu.health"


def test_gates_that_cannot_be_asked_prove_nothing(
    running: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the deploy is verified, nor is the way back proved: a person is needed."""

    def broken(*_: object) -> list[Answer]:
        raise Trouble("ubuntu: the connection is lost")

    monkeypatch.setattr("fabfile.ops.gates.ask_all", broken)
    running.origin.commit("New interface", {"services/api/main.py": "new"})
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 3, ran.everything
    assert "ubuntu: the connection is lost" in ran.error
    assert [release.outcome for release in running.releases("ubuntu")][1:] == ["failed", "failed"]


ALIVE = json.loads(json.dumps(UBUNTU))
ALIVE["x-deploy"]["proxy"]["gates"][0]["loads"] = ["script"]
SCRIPT = 'Welcome <script src="/a.js"></script>'
BLANK = {"content-security-policy": "default-src 'none'"}
JS = {"content-type": "text/javascript"}


@pytest.mark.parametrize(
    ("page", "script", "why"),
    [
        ({}, Answer(200, "run()", headers=JS), ""),
        (BLANK, Answer(200, "run()", headers=JS), "its policy forbids https://app.example/a.js"),
        ({}, Answer(404, "gone"), "https://app.example/a.js: answered 404"),
    ],
)
def test_a_page_that_would_stay_blank_is_a_red_gate(
    running: Fleet,
    monkeypatch: pytest.MonkeyPatch,
    page: Mapping[str, str],
    script: Answer,
    why: str,
) -> None:
    """Whatever status it has, and whatever it contains."""
    serving = running._ask_from_here

    def ask(
        questions: Sequence[Question],
        env: Mapping[str, str],
        edge: tuple[str, int] | None,
        trust: str = "",
    ) -> list[Answer]:
        if [one.url for one in questions] == ["https://app.example/a.js"]:
            return [script]
        answers = serving(questions, env, edge, trust)
        return [replace(one, body=f"{one.body}{SCRIPT}", headers=page) for one in answers[:1]] + (
            answers[1:]
        )

    monkeypatch.setattr("fabfile.remote.outside.ask_from_here", ask)
    monkeypatch.setattr("fabfile.ops.gates._on_the_server", lambda *_: [])
    running.origin.commit("Alive", {"compose/ubuntu.yml": json.dumps(ALIVE)})
    ran = running.fab("ubuntu.deploy")
    assert ran.code == (1 if why else 0), ran.everything
    assert why in "".join(ran.evidence) if why else not ran.err


def test_a_server_that_could_not_be_looked_at_once_is_proved_by_the_next_look(
    running: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What could not be asked in one round says nothing of the round after it."""
    rounds: list[Trouble] = []
    asking = gates.ask_all

    def ask(*words: Any) -> list[Verdict]:
        if not rounds:
            rounds.append(Trouble("ubuntu: the connection is lost"))
            raise rounds[0]
        return asking(*words)

    monkeypatch.setattr(gates, "ask_all", ask)
    running.hosts.write_text(HOSTS.replace("branch", "settle = 90\nbranch"))
    running.origin.commit("New interface", {"services/api/main.py": "new"})
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert len(rounds) == 1


def test_every_container_of_a_service_must_be_well(running: Fleet) -> None:
    """Somebody scaled it: one of two is dead, and the one that is asked answers."""
    engine = running.ubuntu.engine
    (web,) = [one for one in engine.containers.values() if one.service == "web"]
    engine.containers["app-web-2"] = replace(web, id="w2", name="app-web-2", state="exited")
    ran = running.fab("ubuntu.health")
    assert ran.code == 1, ran.everything
    assert "container app-web-2 is exited" in ran.everything


def test_below_red_gates_stands_where_to_look(running: Fleet) -> None:
    running.origin.commit("Shut", {"nginx/ubuntu/nginx.conf": "upstreams web api\nOUTSIDE RED"})
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 1, ran.everything
    likely = [line for line in ran.evidence if line.startswith("likely: ")]
    way = "the server answers itself, so look at the way to it: DNS, a firewall"
    assert [line.partition(" of the server")[0] for line in likely] == [
        f"likely: outside:site: {way}",
        f"likely: outside:api: {way}",
    ]


def test_health_says_it_too(running: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(questions: Sequence[Question], *_: object) -> list[Answer]:
        return [Answer(0, error="refused") for _ in questions]

    monkeypatch.setattr("fabfile.remote.outside.ask_from_here", ask)
    ran = running.fab("ubuntu.health")
    assert (ran.code, ran.error) == (1, "ubuntu: red gates: outside:site, outside:api")
    assert [line.partition(": the server")[0] for line in ran.evidence] == [
        "likely: outside:site",
        "likely: outside:api",
    ]
