"""Several changes in one round trip: each as it would be by itself, and nothing after a failure."""

from __future__ import annotations

import pytest

from fabfile.model.errors import Trouble
from fabfile.remote.asking import Asked, ask, ask_all
from fabfile.remote.commands.together import Change
from fabfile.remote.dry import DryHost
from fabfile.remote.gathering import Gathering
from fabfile.remote.host import Host
from fabfile.remote.lock import Lock

from .shelling import path
from .sshd import Sshd

SAY = 'printf "%s" "$1"; printf "%s" "$1 err" >&2; cat; exit "$2"'


def said(word: str, code: int = 0, stdin: str = "", **how: object) -> Change:
    return Change(["bash", "-c", SAY, "say", word, str(code)], stdin, **how)  # type: ignore[arg-type]


def test_each_has_its_own_input_and_outputs(anywhere: Host) -> None:
    done = anywhere.write_all([said("one"), said("two\n", stdin="é\n"), said("three", stdin="in")])
    assert [(one.code, one.stdout, one.stderr) for one in done] == [
        (0, "one", "one err"),
        (0, "two\né\n", "two\n err"),
        (0, "threein", "three err"),
    ]


def test_nothing_begins_after_one_that_failed(anywhere: Host) -> None:
    touch = Change(["touch", str(path(anywhere, "begun"))])
    done = anywhere.write_all([said("one"), said("two", 3, check=False), touch])
    assert [one.code for one in done] == [0, 3]
    with pytest.raises(Trouble) as caught:
        anywhere.write_all([said("two", 3), touch])
    assert caught.value.message == "ubuntu: 'say two' failed with exit code 3"
    assert not path(anywhere, "begun").exists()


def test_each_has_its_own_deadline(anywhere: Host) -> None:
    with pytest.raises(Trouble) as caught:
        anywhere.write_all([said("one"), Change(["sleep", "20"], timeout=0.2)])
    assert caught.value.message == "ubuntu: 'sleep 20' did not end within 0.2 s"


def test_each_runs_in_the_turn_of_a_lock(far: Host, sshd: Sshd) -> None:
    step = path(far, "locks/step")
    with Lock(far, "anna"):
        far.write_all([said("one"), Change(["bash", "-c", 'echo other >"$1"', "take", str(step)])])
        with pytest.raises(Trouble) as caught:
            far.write_all([said("two")])
    assert "somebody else has had the lock" in caught.value.message


def test_what_is_gathered_is_made_at_the_end_and_once(anywhere: Host) -> None:
    together = Gathering(anywhere)
    together.put(anywhere.server.root / "a", "1")
    together.put(anywhere.server.root / "b", "2")
    assert not path(anywhere, "a").exists()
    assert [one.ok for one in together.done()] == [True, True]
    assert (path(anywhere, "a").read_text(), path(anywhere, "b").read_text()) == ("1", "2")
    assert together.done() == []


def test_a_host_that_cannot_write_makes_nothing_of_it(anywhere: Host) -> None:
    told: list[list[str]] = []
    dry = DryHost(anywhere, lambda _name, words, _script: told.append([*words]))
    together = Gathering(dry)
    together.put(anywhere.server.root / "a", "1")
    assert [one.ok for one in together.done()] == [True]
    assert not path(anywhere, "a").exists()
    assert told == [["put", f"{anywhere.server.root}/a", "600", "1"]]


def test_a_question_is_asked_whatever_came_of_the_one_before(anywhere: Host) -> None:
    def asked(word: str, code: int, timeout: float = 60) -> Asked[tuple[int, str]]:
        words = ["bash", "-c", SAY, "say", word, str(code)]
        return Asked(words, timeout, lambda output: (output.code, output.stdout))

    late = Asked(["sleep", "20"], 0.2, lambda output: (output.code, output.stdout))
    questions = [asked("one", 3), late, asked("two\n", 0)]
    assert ask_all(anywhere, questions) == [(3, "one"), (124, ""), (0, "two\n")]
    assert ask(anywhere, questions[0]) == (3, "one")
    assert ask_all(anywhere, []) == []
