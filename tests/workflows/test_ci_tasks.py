"""inv ci.*: fab is called as the workflow asks, its exit code is ours, the keys are gone after."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from invoke import Context, Exit, Program

from scripts.ci import fab
from scripts.ci.tasks import ns

from . import samples
from .samples import HOSTS

ROOT = Path(__file__).resolve().parents[2]

FAKE = """\
#!/bin/sh
# Stands in for fab: notes how it was called, then does what the test laid out for that task.
cd "{folder}"
echo "$@" >>calls
env | grep -q SSH_KEY_ && echo inherited >>calls
ls ssh >keys
echo "[ubuntu] working" >&2
task=${{2#*.}}
[ ! -e $task.err ] || cat $task.err >&2
[ ! -e $task.json ] || cat $task.json
[ ! -e $task.code ] || exit $(cat $task.code)
"""


class Bench:
    """A hosts.ini, a summary file and a fab that does what a test lays out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def lay(self, **files: Any) -> None:
        for name, content in files.items():
            text = content if isinstance(content, str) else json.dumps(content)
            (self.folder / name.replace("_", ".")).write_text(text)

    @property
    def calls(self) -> list[str]:
        return (self.folder / "calls").read_text().splitlines()

    @property
    def summary(self) -> str:
        return (self.folder / "summary.md").read_text()

    @property
    def keys_left(self) -> list[str]:
        return sorted(file.name for file in (self.folder / "ssh").glob("*"))


@pytest.fixture
def bench(tmp_path: Path, secret: str, monkeypatch: pytest.MonkeyPatch) -> Bench:
    (tmp_path / "hosts.ini").write_text(HOSTS)
    stand_in = tmp_path / "fab"
    stand_in.write_text(FAKE.format(folder=tmp_path))
    stand_in.chmod(0o755)
    monkeypatch.setattr(fab, "FAB", stand_in)
    monkeypatch.setenv("HOSTS_INI", str(tmp_path / "hosts.ini"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    monkeypatch.setenv("SSH_KEY_UBUNTU", secret)
    monkeypatch.setenv("SSH_KEY_FAR_AWAY", secret)
    return Bench(tmp_path)


def run(task: str, server: str = "ubuntu") -> int:
    """Call a task as its step does; returns the exit code."""
    try:
        ns[task](Context(), server=server, ref=samples.COMMIT)
    except Exit as ended:
        return ended.code
    return 0


def test_the_plan_of_the_commit_becomes_the_summary(bench: Bench) -> None:
    bench.lay(plan_json=[samples.PLAN.to_json()])
    assert run("changes") == 0
    assert bench.calls == [f"--search-root={ROOT} ubuntu.plan --ref={samples.COMMIT} --json"]
    golden = Path(__file__).with_name("data") / "plan.md"
    assert bench.summary == golden.read_text() + "\n"


def test_the_deploy_of_the_commit_becomes_the_summary_with_its_gates(bench: Bench) -> None:
    bench.lay(deploy_json=samples.views(), history_json=samples.record())
    assert run("deploy") == 0
    assert bench.calls == [
        f"--search-root={ROOT} ubuntu.deploy --yes --ref={samples.COMMIT} --json",
        f"--search-root={ROOT} ubuntu.history --show={samples.RELEASE.id} --json",
    ]
    golden = Path(__file__).with_name("data") / "deploy.md"
    assert bench.summary == golden.read_text() + "\n"


def test_a_record_that_cannot_be_had_does_not_spoil_a_good_deploy(bench: Bench) -> None:
    bench.lay(deploy_json=samples.views(), history_code="2")
    assert run("deploy") == 0
    assert "## ubuntu: accepted" in bench.summary


def test_a_deploy_of_what_runs_says_so(bench: Bench) -> None:
    bench.lay(deploy_json=[])
    assert run("deploy") == 0
    assert bench.summary.startswith("## ubuntu: nothing to do\n")


@pytest.mark.parametrize("task", ["changes", "deploy"])
@pytest.mark.parametrize("code", [1, 2, 3, 77])
def test_the_exit_code_is_fabs_own_and_its_error_stands_in_the_summary(
    bench: Bench, task: str, code: int
) -> None:
    kind = {"changes": "plan", "deploy": "deploy"}[task]
    error = "error: ubuntu: no more disk\n  /: 3 MiB free\n"
    bench.lay(**{f"{kind}_code": str(code), f"{kind}_err": f"[ubuntu] a step\n{error}"})
    assert run(task) == code
    assert f"<pre>\n{error}</pre>\n" in bench.summary
    assert f"Exit code {code} after" in bench.summary


def test_fab_finds_the_keys_but_inherits_none_and_they_are_gone_after(bench: Bench) -> None:
    bench.lay(deploy_json=[], deploy_code="1")
    assert run("deploy") == 1
    assert (bench.folder / "keys").read_text().split() == ["far", "ubuntu"]
    assert "inherited" not in bench.calls
    assert bench.keys_left == []


def test_a_refused_key_ends_with_2_before_fab_is_called(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSH_KEY_FAR_AWAY", "nonsense")
    assert run("deploy") == 2
    assert not (bench.folder / "calls").exists()
    assert "SSH_KEY_FAR_AWAY is not a whole private key" in bench.summary
    assert bench.keys_left == []


def test_an_unknown_server_is_named(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["inv", "deploy", "--server", "moon", "--ref", samples.COMMIT]
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
    assert run("changes") == 0
    assert capsys.readouterr().out.startswith("## ubuntu: plan\n")


def test_the_steps_appear(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    bench.lay(deploy_json=[])
    assert run("deploy") == 0
    assert capfd.readouterr().err == "[ubuntu] working\n"


def test_no_line_of_a_containers_log_is_a_command_of_githubs_runner(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    bench.lay(deploy_json=[], deploy_err="  ::add-mask::e\n")
    assert run("deploy") == 0
    first, *lines, last = capfd.readouterr().err.splitlines()
    assert lines == ["[ubuntu] working", "  ::add-mask::e"]
    assert first == f"::stop-commands::{last.strip(':')}"
    assert len(last) == 36


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
        "import os, sys; from pathlib import Path; from scripts.ci import fab;"
        "fab.FAB = Path(sys.argv[1]); ended = fab.run([], os.environ);"
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
