"""One run tells all: what failed, what was skipped and why; nothing is lost or counted twice."""

from __future__ import annotations

import fcntl
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from invoke import Exit

from tests.suite import judges, lab, outcome, tiers
from tests.suite.outcome import BY_CHOICE, Outcome

MIXED = """\
import pytest
def test_good(): pass
def test_bad(): assert 1 == 2
@pytest.fixture
def broken(): raise RuntimeError
def test_error(broken): pass
@pytest.mark.skip(reason="no engine here")
def test_skipped(): pass
"""


@pytest.fixture(autouse=True)
def a_persons_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests say themselves when they mean a CI."""
    monkeypatch.delenv("CI", raising=False)


def in_folder(folder: Path, text: str) -> Outcome:
    (folder / "tests").mkdir()
    (folder / "tests/test_it.py").write_text(text)
    return outcome.pytest("tests", folder=folder)


def test_every_test_is_counted_and_every_skip_has_its_reason(tmp_path: Path) -> None:
    counted = in_folder(tmp_path, MIXED)
    assert (counted.passed, counted.failed, counted.state) == (1, 2, "FAILED")
    assert counted.skipped == Counter({"no engine here": 1})


def test_a_collection_error_fails_the_tier(tmp_path: Path) -> None:
    assert in_folder(tmp_path, "import no_such_module\n").state == "FAILED"


def test_a_folder_without_tests_is_skipped(tmp_path: Path) -> None:
    assert in_folder(tmp_path, "").idle == "no tests yet"


def test_a_missing_folder_is_skipped(tmp_path: Path) -> None:
    assert outcome.pytest("tests", folder=tmp_path).idle == "no tests yet"


SKIPS = """\
import pytest
def test_good(): pass
@pytest.mark.skip(reason="no engine here")
def test_marked(): pass
def test_imports(): pytest.importorskip("no_such_module", reason="no wheel")
@pytest.fixture
def lab(): pytest.skip("no engine here")
def test_fixture(lab): pass
"""


def test_a_tier_whose_tests_cannot_all_run_fails_a_ci_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    counted = in_folder(tmp_path, SKIPS)
    assert (counted.passed, counted.failed, counted.state) == (1, 0, "FAILED")
    assert [" ".join(line.split()) for line in replace(counted, tier="tests").lines()] == [
        "tests FAILED 0.0s 3 tests cannot run here; under CI each must",
        "skipped 2: no engine here",
        "skipped 1: no wheel",
    ]


def test_a_person_is_told_what_cannot_run_and_has_a_green_tier(tmp_path: Path) -> None:
    counted = in_folder(tmp_path, SKIPS)
    assert (counted.state, counted.skipped.total()) == ("passed", 3)


def test_what_a_longer_run_plays_may_be_left_out_by_a_ci(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")
    chosen = "import pytest\nfrom tests.lab.full import full\n@full\ndef test_long(): pass\n"
    monkeypatch.setenv("PYTHONPATH", str(outcome.ROOT))
    monkeypatch.delenv("TEST_FULL", raising=False)
    counted = in_folder(tmp_path, chosen)
    assert (counted.state, counted.skipped) == ("passed", Counter({BY_CHOICE: 1}))


@pytest.mark.parametrize("text", ["", None])
def test_a_ci_that_finds_no_tests_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    monkeypatch.setenv("CI", "true")
    found = outcome.pytest("tests", folder=tmp_path) if text is None else in_folder(tmp_path, text)
    assert (found.state, found.problem) == ("FAILED", "no tests in tests")


@pytest.mark.parametrize(
    ("ci", "problem"), [("", ""), ("true", "nothing to judge for hadolint")], ids=["person", "CI"]
)
def test_a_judge_without_files_fails_a_ci(
    monkeypatch: pytest.MonkeyPatch, ci: str, problem: str
) -> None:
    monkeypatch.setenv("CI", ci)
    said = [judges.Verdict("ruff", "", 0.1), judges.Verdict("hadolint", "", 0.1, "no Dockerfile")]
    monkeypatch.setattr(judges, "verdicts", lambda: iter(said))
    assert tiers.lint().problem == problem


def test_the_ci_of_this_repository_says_that_it_is_one() -> None:
    assert "\nexport CI=true\n" in (outcome.ROOT / ".ci/run").read_text()


def test_a_tier_after_a_failed_one_still_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pretended = [
        ("one", partial(Outcome, passed=2, failed=1)),
        ("two", partial(Outcome, passed=3, skipped=Counter({"no engine": 2}))),
        ("three", partial(Outcome, idle="no tests yet")),
    ]
    monkeypatch.setattr(tiers, "ROOT", tmp_path)
    monkeypatch.setattr(tiers, "lint", Outcome)
    monkeypatch.setattr(tiers, "_fast", lambda: pretended)
    monkeypatch.setattr(tiers, "_left_out", lambda: ())
    assert tiers.run(fast=True) is False
    said = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert said[-6:] == [
        "one FAILED 0.0s 2 passed, 1 failed, 0 skipped",
        "two passed 0.0s 3 passed, 0 failed, 2 skipped",
        "skipped 2: no engine",
        "three skipped 0.0s no tests yet",
        "",
        "5 passed, 1 failed, 2 skipped",
    ]


@pytest.mark.parametrize(
    ("only", "ran"),
    [
        ("services", ["lint", "services/shop"]),
        ("collection", ["lint", "engine", "lab.up", "tests/unit", "lab"]),
        ("", ["lint", "engine", "lab.up", "tests/unit", "services/shop", "lab"]),
    ],
)
def test_the_services_own_tests_run_apart_from_those_of_the_collection(
    only: str, ran: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Who has services of their own is not red for the collection, and the other way round."""
    found: list[list[Outcome]] = []
    monkeypatch.delenv("TEST_FULL", raising=False)
    monkeypatch.setattr(tiers, "ROOT", tmp_path)
    monkeypatch.setattr(tiers, "lint", Outcome)
    monkeypatch.setattr(tiers, "_fast", lambda: [("tests/unit", Outcome)])
    monkeypatch.setattr(tiers, "_services", lambda: iter([("services/shop", Outcome)]))
    monkeypatch.setattr(tiers, "summarise", found.append)
    monkeypatch.setattr(lab.LabRun, "engine", lambda _run: Outcome())
    monkeypatch.setattr(lab.LabRun, "up", lambda _run: Outcome())
    monkeypatch.setattr(lab.LabRun, "tiers", lambda _run: iter([("lab", Outcome)]))
    assert tiers.run(fast=False, only=only) is True
    assert [outcome.tier for outcome in found[0]] == ran


def test_a_second_run_in_the_same_checkout_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tiers, "ROOT", tmp_path)
    with (tmp_path / ".test.lock").open("w") as held:
        held.write("4711")
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Exit) as refused:
            tiers.run(fast=True)
    assert (refused.value.code, refused.value.message) == (
        2,
        "test: another run is under way here (process 4711)",
    )


@pytest.fixture
def pretended_lab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Stand in for the machine: an engine, a lab that comes up, a note of each call."""
    (tmp_path / "scripts").mkdir()
    engine = tmp_path / "scripts/engine"
    engine.write_text("#!/bin/sh\necho 'engine: no engine here' >&2\n[ -e engine-answers ]\n")
    engine.chmod(0o755)
    (tmp_path / "engine-answers").touch()
    inv = tmp_path / "inv"
    inv.write_text('#!/bin/sh\necho "$1" >>calls\n[ ! -e "$1-fails" ]\n')
    inv.chmod(0o755)
    monkeypatch.setattr(lab, "INV", str(inv))
    monkeypatch.setattr(lab, "run", partial(outcome.run, folder=tmp_path))
    monkeypatch.setattr(lab, "lab_is_up", (tmp_path / "lab-is-up").exists)
    monkeypatch.setattr(lab, "pytest", lambda *_folders, **_: Outcome(passed=1))
    monkeypatch.setattr(lab, "put_others_away", (tmp_path / "others-put-away").touch)
    return tmp_path


def lab_outcomes() -> dict[str, Outcome]:
    run = lab.LabRun()
    before = {"engine": run.engine(), "lab.up": run.up()}
    return {**before, **{name: tier() for name, tier in run.tiers()}}


def lab_states() -> dict[str, str]:
    return {name: outcome.state for name, outcome in lab_outcomes().items()}


ALL_PASSED = dict.fromkeys(("engine", "lab.up", lab.TIER), "passed")


def test_a_lab_that_was_down_goes_down_again(pretended_lab: Path) -> None:
    assert lab_states() == {**ALL_PASSED, "lab.down": "passed"}
    assert (pretended_lab / "calls").read_text().split() == ["lab.up", "lab.down"]


def test_a_lab_that_was_up_stays_up(pretended_lab: Path) -> None:
    (pretended_lab / "lab-is-up").touch()
    assert lab_states() == {**ALL_PASSED, "lab.down": "skipped"}
    assert (pretended_lab / "calls").read_text().split() == ["lab.up"]
    assert (pretended_lab / "others-put-away").exists()


def test_a_lab_that_does_not_come_up_fails_and_is_put_away(pretended_lab: Path) -> None:
    (pretended_lab / "lab.up-fails").touch()
    assert lab_states() == {
        "engine": "passed",
        "lab.up": "FAILED",
        lab.TIER: "skipped",
        "lab.down": "passed",
    }


@pytest.mark.parametrize(("ci", "state"), [("", "skipped"), ("true", "FAILED")])
def test_no_engine_skips_the_lab_with_the_reason_but_fails_a_ci(
    ci: str, state: str, pretended_lab: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", ci)
    (pretended_lab / "engine-answers").unlink()
    outcomes = lab_outcomes()
    assert outcomes["engine"].state == state
    assert outcomes[lab.TIER].idle == outcomes["lab.down"].idle == "engine: no engine here"
    assert not (pretended_lab / "calls").exists()
