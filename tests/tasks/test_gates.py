"""How long a deploy waits for gates that are red at first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from fabfile.model.probe import Answer, Question

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
    running.hosts.write_text(HOSTS.replace("watch = 5", "watch = 5\nsettle = 32"))
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert len(asked) == 2


@pytest.mark.parametrize("settle", ["0", "31"])
def test_a_gate_that_is_red_when_settle_has_passed_fails_the_deploy(
    running: Fleet, asked: list[int], settle: str
) -> None:
    running.hosts.write_text(HOSTS.replace("watch = 5", f"watch = 5\nsettle = {settle}"))
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 1, ran.everything
    assert any("502" in line for line in ran.evidence), ran.everything
    assert len(asked) == 2, "the second round proves the way back"
