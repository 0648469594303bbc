"""Hooks: what is run when, what it is told, and what becomes of one that fails or hangs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from fabfile.ops.deploy import hooks

from .fakes.engine import Ended
from .fakes.fleet import Fleet

SECOND = {
    "services/api/app.py": "api, second version\n",
    "services/worker/app.py": "worker, second version\n",
}
"""Of both servers."""
TELL = """\
#!{python}
import json, os
print("running", os.environ["WISHWITHME_HOOK"])
told = {{key[11:]: value for key, value in os.environ.items() if key.startswith("WISHWITHME_")}}
with open("told.jsonl", "a") as file:
    file.write(json.dumps(told) + "\\n")
"""


@pytest.fixture
def second(running: Fleet) -> Fleet:
    """A second commit waits to be deployed."""
    running.origin.commit("Second", SECOND)
    return running


@pytest.fixture
def folder(second: Fleet) -> Path:
    """The folder of the hooks; a second commit is there to be deployed."""
    made = second.hosts.parent / "hooks"
    made.mkdir()
    return made


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def all_three(folder: Path) -> Path:
    for name in ("before-deploy", "after-deploy", "on-failure"):
        write(folder, name, TELL.format(python=sys.executable))
    return folder


def told(folder: Path) -> list[dict[str, str]]:
    file = folder.parent / "told.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_one_is_run_before_and_one_after_a_deploy(second: Fleet, all_three: Path) -> None:
    ran = second.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    before, after = told(all_three)
    assert {before.pop("HOOK"), after.pop("HOOK")} == {"before-deploy", "after-deploy"}
    assert before.pop("WHO") == after.pop("WHO")
    assert before == {
        "TASK": "deploy",
        "SERVERS": "ubuntu",
        "COMMIT": second.ubuntu.head,
        "SUBJECT": "Second",
    }
    assert float(after.pop("SECONDS")) >= 0
    assert after == {**before, "EXIT": "0"}
    lines = ran.lines
    said = [lines.index(f"[hooks] running {name}") for name in ("before-deploy", "after-deploy")]
    first = next(at for at, line in enumerate(lines) if line.startswith("[ubuntu] ✓"))
    assert said[0] < first < said[1]


def test_a_deploy_of_both_servers_runs_each_hook_once(second: Fleet, all_three: Path) -> None:
    assert second.fab("deploy").code == 0
    assert [(one["HOOK"], one["SERVERS"]) for one in told(all_three)] == [
        ("before-deploy", "montreal ubuntu"),
        ("after-deploy", "montreal ubuntu"),
    ]


@pytest.mark.usefixtures("all_three")
@pytest.mark.parametrize("line", ["ubuntu.deploy --dry-run", "ubuntu.plan", "ubuntu.restart"])
def test_what_deploys_nothing_runs_none(line: str, second: Fleet, folder: Path) -> None:
    second.fab(line)
    assert told(folder) == []


def test_so_does_a_deploy_that_has_nothing_to_do(running: Fleet) -> None:
    folder = running.hosts.parent / "hooks"
    folder.mkdir()
    write(folder, "before-deploy", "#!/bin/sh\nexit 1\n")
    assert running.fab("ubuntu.deploy").code == 0


def test_a_rollback_is_told_apart_from_a_deploy(second: Fleet, all_three: Path) -> None:
    assert second.fab("ubuntu.deploy").code == 0
    assert second.fab("ubuntu.rollback").code == 0
    assert [one["TASK"] for one in told(all_three)] == ["deploy"] * 2 + ["rollback"] * 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("#!/bin/sh\necho not today\nexit 7\n", "ended with exit code 7"),
        ("#!/nowhere\n", "cannot be started: No such file or directory"),
        ("#!/bin/sh\nsleep 60 & sleep 60\n", "did not end within 0.3 s"),
    ],
)
def test_a_failing_one_before_stops_the_deploy_before_anything(
    text: str, why: str, second: Fleet, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "DEADLINE", 0.3)
    write(folder, "before-deploy", text)
    with second.untouched():
        ran = second.fab("ubuntu.deploy")
    assert (ran.code, ran.error) == (2, f"the hook before-deploy {why}; nothing was touched")
    assert ("[hooks] not today" in ran.out) == ("today" in text)


def test_one_that_may_not_be_run_is_refused(second: Fleet, folder: Path) -> None:
    path = write(folder, "on-failure", "#!/bin/sh\n")
    path.chmod(0o644)
    with second.untouched():
        ran = second.fab("ubuntu.deploy")
    assert (ran.code, ran.error) == (2, f"{path} is not executable: chmod +x, or remove it")


def test_a_deploy_that_fails_tells_why_and_keeps_its_exit_code(
    second: Fleet, all_three: Path
) -> None:
    second.ubuntu.fail("^compose build", ended=Ended(1, err="no\n"))
    ran = second.fab("ubuntu.deploy")
    assert ran.code == 1
    before, failure = told(all_three)
    assert (before["HOOK"], failure["HOOK"], failure["EXIT"]) == (
        "before-deploy", "on-failure", "1",
    )  # fmt: skip
    assert failure["ERROR"] == ran.error


@pytest.mark.parametrize("name", ["after-deploy", "on-failure"])
def test_one_that_fails_afterwards_is_a_warning(name: str, second: Fleet, folder: Path) -> None:
    write(folder, name, "#!/bin/sh\nexit 9\n")
    if name == "on-failure":
        second.ubuntu.fail("^compose build", ended=Ended(1, err="no\n"))
    ran = second.fab("ubuntu.deploy")
    assert ran.code == (0 if name == "after-deploy" else 1)
    assert f"[hooks] warning: the hook {name} ended with exit code 9" in ran.out


def test_a_hook_that_prints_a_secret_shows_none(second: Fleet, folder: Path) -> None:
    write(folder, "before-deploy", f"#!/bin/sh\necho {second.ubuntu.password}\n")
    assert "[hooks] [hidden]" in second.fab("ubuntu.deploy").out
