"""One server is new, and the other cannot be proved: whatever the reason, both go back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fabfile.model.errors import Trouble, refused
from fabfile.ops import gates

from .fakes.fleet import Fleet

WORKER = {"services/worker/app.py": "worker, second version\n"}
Settle = Callable[..., object]


@pytest.fixture
def half(running: Fleet) -> Fleet:
    """A commit that changes montreal only: ubuntu is proved as it is."""
    running.origin.commit("Second", WORKER)
    return running


def raising(fault: BaseException, times: int, name: str = "ubuntu") -> Settle:
    """The gates, of which those of one server raise so many times."""
    asked, left = gates.settle, [fault] * times

    def settle(session: object, gated: gates.Gated, *more: object) -> object:
        if gated.host.name == name and left:
            raise left.pop()
        return asked(session, gated, *more)  # type: ignore[arg-type]

    return settle


@pytest.mark.parametrize(
    "fault", [ValueError("a bug of ours"), refused("ubuntu: not now"), Trouble("ubuntu: red")]
)
def test_both_go_back_and_the_code_says_that_something_was_changed(
    half: Fleet, fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gates, "settle", raising(fault, 1))
    ran = half.fab("deploy")
    assert ran.code == 1, ran.everything
    assert "montreal is back at 00000001, proved" in ran.error
    assert [release.outcome for release in half.releases("montreal")] == [
        "verified",
        "failed",
        "verified",
    ]
    # No step of montreal's failed: the record names none.
    error = half.releases("montreal")[1].error
    assert error.startswith(("ubuntu: ", "a bug in the collection: ")), error
    assert half.montreal.locks == half.ubuntu.locks == {}


def test_when_the_way_back_fails_too_a_person_is_needed(
    half: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gates, "settle", raising(ValueError("a bug of ours"), 1))
    half.montreal.fail_after("watch", "compose up worker-1")
    ran = half.fab("deploy")
    assert ran.code == 3, ran.everything
