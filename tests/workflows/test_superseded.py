"""A commit that a newer one has taken the place of is left out, and the run says why."""

from __future__ import annotations

from typing import Any

import pytest
from invoke import Context, Exit

from scripts.ci.tasks import ns

from .bench import Bench, git, run, words_of


def turn(ref: str) -> int:
    try:
        ns["turn"](Context(), ref=ref)
    except Exit as ended:
        return ended.code
    return 0


@pytest.fixture
def outputs(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Any:
    file = bench.folder / "outputs"
    monkeypatch.setenv("GITHUB_OUTPUT", str(file))
    return file.read_text


def fetched(bench: Bench, commit: str) -> None:
    """The branch stood there when the job's checkout was made."""
    git(bench.checkout, "update-ref", "refs/remotes/origin/main", commit)


def runs(bench: Bench, **commits: str) -> None:
    """What ``status --json`` tells of the servers: the commit of the release that passed."""
    status = {name: {"release": {"commit": commit}} for name, commit in commits.items()}
    bench.lay(status_json={**status, "new": {"release": None}})


def test_the_newest_push_has_its_turn(bench: Bench, outputs: Any) -> None:
    fetched(bench, bench.head)
    assert turn(bench.head) == 0
    assert outputs() == "newest=true\n"
    assert not (bench.folder / "summary.md").exists()


def test_a_push_that_waited_while_a_newer_one_came_is_left_out_with_the_reason(
    bench: Bench,
    outputs: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    fetched(bench, bench.head)
    assert turn(bench.first) == 0
    assert outputs() == "newest=false\n"
    why = f"main has moved on to {bench.head[:8]}, whose own run deploys it"
    assert bench.summary == (f"## superseded\n\n`{bench.first[:8]}` is not deployed: {why}.\n\n")
    assert capsys.readouterr().err == (
        f"::notice title=superseded::{bench.first[:8]} is not deployed: {why}\n"
    )


def test_where_the_branch_stands_must_be_known(bench: Bench, outputs: Any) -> None:
    assert turn(bench.head) == 2
    assert "origin/main is not known in this checkout; git fetch first" in bench.summary
    assert not (bench.folder / "outputs").exists()


@pytest.mark.parametrize("ref", ["main", "f" * 40])
def test_what_is_no_commit_of_the_branch_has_no_turn(bench: Bench, outputs: Any, ref: str) -> None:
    fetched(bench, bench.head)
    assert turn(ref) == 2
    assert "superseded" not in bench.summary


@pytest.mark.parametrize("task", ["changes", "deploy"])
def test_a_push_takes_no_server_back_that_a_hotfix_has_overtaken(bench: Bench, task: str) -> None:
    runs(bench, ubuntu=bench.head, third=bench.first)
    bench.lay(plan_json=bench.plans("ubuntu", "third"))
    assert run(task, bench.first, server="") == 0
    assert bench.calls == [f"--search-root={bench.checkout} status --json"]
    assert bench.summary == (
        f"## superseded\n\n`{bench.first[:8]}` is not deployed:"
        f" ubuntu runs {bench.head[:8]}, which has it already.\n\n"
    )


def test_a_person_may_take_one_server_back(bench: Bench) -> None:
    runs(bench, ubuntu=bench.head)
    bench.lay(deploy_json=[])
    assert run("deploy", bench.first) == 0
    assert words_of(bench) == [f"ubuntu.deploy --yes --ref={bench.first} --json"]


@pytest.mark.parametrize("running", ["", "--output=x", "HEAD", "f" * 40])
def test_what_runs_and_is_not_known_here_supersedes_nothing(bench: Bench, running: str) -> None:
    runs(bench, ubuntu=running, third=bench.head)
    bench.lay(plan_json=bench.plans(), deploy_json=[])
    assert run("deploy", bench.head, server="") == 0
    assert "superseded" not in bench.summary


def test_when_the_status_cannot_be_had_the_plan_says_what_is_wrong(bench: Bench) -> None:
    bench.lay(status_code="2", plan_code="2", plan_err="error: third: not reachable\n")
    assert run("deploy", bench.head, server="") == 2
    assert "error: third: not reachable" in bench.summary
