"""inv ci.*: fab is called as the workflow asks, its exit code is ours, the keys are gone after."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from invoke import Program

from scripts.ci.tasks import ns

from . import samples
from .bench import Bench, git, run, words_of

ROOT = Path(__file__).resolve().parents[2]


def golden(name: str) -> str:
    return (Path(__file__).with_name("data") / name).read_text() + "\n"


def test_the_plan_of_the_commit_becomes_the_summary(bench: Bench) -> None:
    bench.lay(plan_json=[samples.PLAN.to_json()])
    assert run("changes", bench.head) == 0
    assert bench.calls == [f"--search-root={bench.checkout} ubuntu.plan --ref={bench.head} --json"]
    assert bench.summary == golden("plan.md")


def test_the_deploy_of_the_commit_becomes_the_summary_with_its_gates(bench: Bench) -> None:
    bench.lay(deploy_json=samples.views(), history_json=samples.record())
    assert run("deploy", bench.head) == 0
    assert bench.calls == [
        f"--search-root={bench.checkout} ubuntu.deploy --yes --ref={bench.head} --json",
        f"--search-root={bench.checkout} ubuntu.history --show={samples.RELEASE.id} --json",
    ]
    assert bench.summary == golden("deploy.md")


def test_a_restart_of_data_services_is_passed_on_when_it_is_asked_for(bench: Bench) -> None:
    """A newer Redis is planned and deployed with it, and refused without."""
    bench.lay(plan_json=bench.plans("ubuntu")[2:], deploy_json=[])
    for asked in ("false", "true"):
        for task in ("changes", "deploy"):
            assert run(task, bench.head, restart_data=asked) == 0
    assert words_of(bench) == [
        "ubuntu.plan",
        "ubuntu.deploy --yes",
        "ubuntu.plan --restart-data",
        "ubuntu.deploy --yes --restart-data",
    ]


@pytest.mark.parametrize("asked", ["", "yes", "True", "--yes"])
def test_an_answer_that_is_neither_true_nor_false_is_refused(
    bench: Bench, asked: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("deploy", bench.head, restart_data=asked) == 2
    assert f"error: --restart-data {asked}: it is true or false" in capsys.readouterr().err
    assert not (bench.folder / "calls").exists()


def test_without_a_server_the_plans_of_all_are_one_summary(bench: Bench) -> None:
    bench.lay(plan_json=bench.plans("ubuntu"))
    assert run("changes", bench.head, server="") == 0
    assert words_of(bench) == ["plan"]
    titles = [line for line in bench.summary.splitlines() if line.startswith("##")]
    assert titles == ["## far-away: plan", "## third: plan", "## ubuntu: plan"]


def test_a_push_that_changes_one_server_deploys_that_one_alone(bench: Bench) -> None:
    bench.lay(plan_json=bench.plans("ubuntu"), deploy_json=samples.views(), history_json={})
    assert run("deploy", bench.head, server="") == 0
    assert words_of(bench)[:2] == ["plan", "ubuntu.deploy --yes"]
    assert "## ubuntu: accepted" in bench.summary
    assert "## far-away, third: left as it is" in bench.summary


def test_a_push_that_changes_two_servers_deploys_them_by_one_command(bench: Bench) -> None:
    views = [
        replace(samples.RELEASE, server=name, id=f"of-{name}").view()
        for name in ("far-away", "ubuntu")
    ]
    bench.lay(plan_json=bench.plans("far-away", "ubuntu"), deploy_json=views, history_json={})
    assert run("deploy", bench.head, server="") == 0
    assert [words.partition(" --show")[0] for words in words_of(bench)] == [
        "plan",
        "deploy --yes",
        "far-away.history",
        "ubuntu.history",
    ]
    assert "## far-away: accepted" in bench.summary
    assert "## ubuntu: accepted" in bench.summary
    assert "left as it is" not in bench.summary


def test_a_push_that_changes_no_server_deploys_none(bench: Bench) -> None:
    bench.lay(plan_json=bench.plans())
    assert run("deploy", bench.head, server="") == 0
    assert words_of(bench) == ["plan"]
    assert bench.summary == (
        "## ubuntu, far-away, third: left as it is\n\n"
        "Nothing that runs there differs in this commit; nothing was deployed.\n\n"
    )


@pytest.mark.parametrize(
    "path", ["fabfile/cron.py", "requirements.txt", "requirements-patchwork.txt"]
)
def test_what_the_servers_jobs_run_changes_every_server(bench: Bench, path: str) -> None:
    """Cron on a server runs the collection of the commit that is deployed there."""
    bench.head = bench.commit(path)
    bench.lay(plan_json=bench.plans(), deploy_json=[])
    assert run("deploy", bench.head, server="") == 0
    assert words_of(bench) == ["plan", "deploy --yes"]


def test_a_release_whose_commit_is_not_known_here_is_deployed_over(bench: Bench) -> None:
    bench.first = samples.SINCE
    bench.lay(plan_json=bench.plans(), deploy_json=[])
    assert run("deploy", bench.head, server="") == 0
    assert words_of(bench) == ["plan", "deploy --yes"]


def test_a_server_cannot_make_its_record_an_option_of_git(bench: Bench) -> None:
    pwned = bench.folder / "pwned"
    bench.first = f"--output={pwned}"
    bench.lay(plan_json=bench.plans(), deploy_json=[])
    assert run("deploy", bench.head, server="") == 0
    assert words_of(bench) == ["plan", "deploy --yes"]
    assert not pwned.exists()


def test_when_the_plans_cannot_be_had_nothing_is_deployed(bench: Bench) -> None:
    bench.lay(plan_code="2", plan_err="error: far-away: not reachable\n")
    assert run("deploy", bench.head, server="") == 2
    assert words_of(bench) == ["plan"]
    assert "## ubuntu, far-away, third: plan refused before anything was touched" in bench.summary


@pytest.mark.parametrize("task", ["changes", "deploy"])
@pytest.mark.parametrize("server", ["", "ubuntu"])
def test_who_may_push_a_branch_cannot_have_it_deployed_by_naming_its_commit(
    bench: Bench, task: str, server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The environment asks only on which branch the workflow's own file stands."""
    git(bench.checkout, "checkout", "-q", "-b", "evil")
    evil = bench.commit("services/web/Dockerfile")
    git(bench.checkout, "checkout", "-q", "main")
    bench.commit("docs/deploy.md")
    assert run(task, evil, server) == 2
    assert not (bench.folder / "calls").exists()
    assert bench.keys_left == []
    assert f"{evil[:8]} is not in the history of the branch that this run is of" in bench.summary


def test_a_commit_that_a_fork_alone_has_is_refused(bench: Bench) -> None:
    assert run("deploy", samples.COMMIT) == 2
    assert f"{samples.COMMIT[:8]} is not in the history" in bench.summary


@pytest.mark.parametrize("ref", ["main", "v1", "1a2b3c4d", "--upload-pack=x", "A" * 40, "a" * 41])
def test_a_ref_that_is_no_full_commit_id_is_refused(bench: Bench, ref: str) -> None:
    assert run("deploy", ref) == 2
    assert not (bench.folder / "calls").exists()
    assert "--ref: a full commit id is needed" in bench.summary


def test_an_earlier_commit_of_main_may_be_deployed(bench: Bench) -> None:
    bench.lay(deploy_json=[])
    assert run("deploy", bench.first) == 0


def test_a_record_that_cannot_be_had_does_not_spoil_a_good_deploy(bench: Bench) -> None:
    bench.lay(deploy_json=samples.views(), history_code="2")
    assert run("deploy", bench.head) == 0
    assert "## ubuntu: accepted" in bench.summary


def test_a_deploy_of_what_runs_says_so(bench: Bench) -> None:
    bench.lay(deploy_json=[])
    assert run("deploy", bench.head) == 0
    assert bench.summary.startswith("## ubuntu: nothing to do\n")


@pytest.mark.parametrize("task", ["changes", "deploy"])
@pytest.mark.parametrize("code", [1, 2, 3, 77])
def test_the_exit_code_is_fabs_own_and_its_error_stands_in_the_summary(
    bench: Bench, task: str, code: int
) -> None:
    kind = {"changes": "plan", "deploy": "deploy"}[task]
    error = "error: ubuntu: no more disk\n  /: 3 MiB free\n"
    bench.lay(**{f"{kind}_code": str(code), f"{kind}_err": f"[ubuntu] a step\n{error}"})
    assert run(task, bench.head) == code
    assert f"<pre>\n{error}</pre>\n" in bench.summary
    assert f"Exit code {code} after" in bench.summary


def test_fab_finds_the_keys_but_inherits_none_and_they_are_gone_after(bench: Bench) -> None:
    bench.lay(deploy_json=[], deploy_code="1")
    assert run("deploy", bench.head) == 1
    assert (bench.folder / "keys").read_text().split() == ["far", "ubuntu"]
    assert "inherited" not in bench.calls
    assert bench.keys_left == []


def test_a_refused_key_ends_with_2_before_fab_is_called(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_KEY_FAR_AWAY", "nonsense")
    assert run("deploy", bench.head) == 2
    assert not (bench.folder / "calls").exists()
    assert "SSH_KEY_FAR_AWAY is not a whole private key" in bench.summary
    assert bench.keys_left == []


def test_an_unknown_server_is_named(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["inv", "deploy", "--server", "moon", "--ref", bench.head]
    with pytest.raises(SystemExit) as ended:
        Program(namespace=ns).run(words)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    file = bench.folder / "hosts.ini"
    known = "known servers: ubuntu, far-away, third"
    assert said == f"error: {file}: no server [moon]; {known}\n"


def test_without_a_summary_file_it_is_printed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    bench.lay(plan_json=[samples.NOTHING.to_json()])
    assert run("changes", bench.head) == 0
    assert capsys.readouterr().out.startswith("## ubuntu: plan\n")


def test_the_steps_appear(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    bench.lay(deploy_json=[])
    assert run("deploy", bench.head) == 0
    assert capfd.readouterr().err == "[ubuntu] working\n"


def test_no_line_of_a_containers_log_is_a_command_of_githubs_runner(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    said = "error: x\n  ::add-mask::e\nx\r::add-mask::f\u2028%"
    bench.lay(deploy_code="1", deploy_err=said)
    assert run("deploy", bench.head) == 1
    *_, group, first, ours, one, two, three, last, end, told = (
        capfd.readouterr().err.removesuffix("\n").split("\n")
    )
    assert [ours, one, two, three] == ["[ubuntu] working", *said.split("\n")]
    assert group == f"::group::fab ubuntu.deploy --yes --ref={bench.head}"
    assert first == f"::stop-commands::{last.strip(':')}"
    assert (len(last), end) == (36, "::endgroup::")
    assert told == (
        "::error title=ubuntu%3A deploy failed with exit code 1::error: x%0A"
        "  ::add-mask::e%0Ax\\r::add-mask::f\\u2028%25"
    )


def test_who_writes_hosts_ini_gives_githubs_runner_no_command(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    file = bench.folder / "hosts.ini"
    file.write_text(file.read_text() + "\n[::add-mask::e]\n")
    with pytest.raises(SystemExit) as ended:
        Program(namespace=ns).run(["inv", "changes", "--server", "ubuntu", "--ref", "x"])
    assert ended.value.code == 2
    group, first, line, last, end, told = capsys.readouterr().err.removesuffix("\n").split("\n")
    assert "::add-mask::e" in line
    assert (group, end) == ("::group::refused", "::endgroup::")
    assert first == f"::stop-commands::{last.strip(':')}"
    assert told.startswith("::error title=ubuntu%3A refused::")


def test_a_cancelled_run_lets_fab_go_back_and_waits_for_it(tmp_path: Path) -> None:
    stand_in = tmp_path / "fab"
    stand_in.write_text(
        f"#!{sys.executable}\n"
        "import signal, sys, time\n"
        "try:\n"
        "    print('begun', file=sys.stderr, flush=True)\n"
        "    time.sleep(60)\n"
        "except KeyboardInterrupt:\n"
        "    print('going back', file=sys.stderr, flush=True)\n"
        "    time.sleep(1)\n"
        "    print('error: interrupted; it is back', file=sys.stderr, flush=True)\n"
        "    sys.exit(1)\n"
    )
    stand_in.chmod(0o755)
    script = (
        "import os, sys; from pathlib import Path; from scripts.ci import fab, runner;"
        "fab.FAB = Path(sys.argv[1]); ended = fab.run([], os.environ, runner.Log());"
        "print(ended.code, ended.error)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(stand_in)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    while process.stderr.readline() != "begun\n":
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.stderr.readline() == "going back\n"
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate()
    assert (process.returncode, said) == (0, "1 ('error: interrupted; it is back',)\n")
