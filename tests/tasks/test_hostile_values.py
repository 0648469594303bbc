"""Hostile values in every option, every key of hosts.ini, names of git and .env: nothing executes.

Each of :data:`VALUES` goes through the command line. What carries it to a server is run there by a
real bash. So the table grows with the options, with the keys, and with the tasks.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from fabfile import ns
from fabfile.kinds import REQUIRED, Flag, Option
from fabfile.model.hosts.values import PARSERS
from fabfile.options import COMMAND

from .fakes.fleet import HOSTS, Fleet
from .fakes.machine import CHECKOUT
from .hostile import VALUES, Lines, watched

ROOT = Path(__file__).resolve().parents[2]
NEEDED = {
    "certificate": "cert.pem",
    "command": "true",
    "job": "tidy",
    "key": "key.pem",
    "server": "ubuntu",
    "service": "db",
    "setting": "TOKEN",
    "why": "tests",
}
"""What is given for options that a task must have, beside the hostile one."""
OPTIONS = [
    pytest.param(name, option, id=f"{name} --{option.name}")
    for name in sorted(ns.task_names)
    if not name.startswith("montreal.")
    for option in getattr(ns[name], "options", ())
    if not isinstance(option, Flag) and option is not COMMAND
]
REACHING = {
    "deploy --ref",
    "env.rotate --waive",
    "maintenance.on --why",
    "plan --ref",
    "ubuntu.deploy --ref",
    "ubuntu.freeze --why",
    "ubuntu.plan --ref",
    "ubuntu.restart --waive",
}
"""Options whose value a server is told; any other is refused before that.

``run --command`` is none of them: it is a line of the shell itself.
"""
COMMANDS = ("ubuntu.deploy --yes", "env.diff")
"""What is typed with a hostile ``.env``."""


@pytest.fixture
def lines(running: Fleet) -> Iterator[Lines]:
    with watched(running.hosts.parent / "real") as made:
        yield made


@pytest.mark.parametrize(("task", "option"), OPTIONS)
def test_a_value_of_an_option_executes_nothing(
    running: Fleet, lines: Lines, task: str, option: Option
) -> None:
    others = [
        f"--{one.name}={NEEDED[one.name]}"
        for one in ns[task].options
        if one.default is REQUIRED and one.name != option.name
    ]
    reached = 0
    for value in lines.values():
        behind = ["--", "x"] if ns[task].behind else []
        ran = running.fab_words(task, *others, f"--{option.name}={value}", *behind)
        assert ran.code in (0, 1, 2), ran.everything
        assert "a bug in the collection" not in ran.err, ran.everything
        reached += lines.run()
        running.fab_words("ubuntu.unfreeze")
    assert bool(reached) == (f"{task} --{option.name}" in REACHING)
    assert len(VALUES) - 1 <= reached or not reached


@pytest.mark.parametrize("key", PARSERS)
def test_a_value_in_hosts_ini_executes_nothing(running: Fleet, lines: Lines, key: str) -> None:
    lines.answered = False
    rest = [one for one in HOSTS.splitlines() if not one.startswith(f"{key} =")]
    reached = 0
    for value in lines.values():
        for said in (value, f"/srv/{value}"):
            text = "\n".join(rest).replace("[defaults]\n", f"[defaults]\n{key} = {said}\n")
            running.hosts.write_text(text)
            ran = running.fab_words("ubuntu.plan")
            assert ran.code in (0, 1, 2, 3), ran.everything
            assert "a bug in the collection" not in ran.err, ran.everything
            reached += lines.run()
    assert bool(reached) == (key in {"path", "root", "repository", "compose"})


def test_a_value_of_env_executes_nothing(running: Fleet, lines: Lines) -> None:
    """It stands in the file already, whoever wrote it."""
    before = running.ubuntu.env
    reached = 0
    for value in lines.values():
        for key in ("MODE", "STRAY"):
            kept = "".join(line for line in before.splitlines(True) if not line.startswith(key))
            quote = '"' if "'" in value else "'"
            running.ubuntu.files[f"{CHECKOUT}/.env"] = f"{kept}{key}={quote}{value}{quote}\n"
            for command in COMMANDS:
                ran = running.fab_words(*command.split())
                assert ran.code in (0, 1, 2, 3), ran.everything
            reached += lines.run()
    assert reached


def test_a_value_that_is_typed_executes_nothing(
    running: Fleet, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = 0
    for value in lines.values():
        monkeypatch.setattr("sys.stdin", io.StringIO(value))
        ran = running.fab_words("env.set", "SALT", "--server=ubuntu")
        assert ran.code in (0, 2), ran.everything
        reached += lines.run()
    assert reached > len(VALUES)


def test_what_git_says_executes_nothing(running: Fleet, lines: Lines) -> None:
    """Subjects of commits, and names of files, are whoever's that may push."""
    for value in lines.values():
        name = f"services/web/{value.replace('/', '_')}"
        running.origin.commit(value, {name: f"{value}\n"})
        ran = running.fab_words("ubuntu.deploy", "--yes")
        assert ran.code in (0, 1, 2), ran.everything
        lines.run()


def test_the_documentation_counts_them() -> None:
    told = (ROOT / "docs" / "security.md").read_text()
    count = f"{len(VALUES)} hostile ones "
    assert count in told
    assert f"each of {len(OPTIONS)} options, {len(PARSERS)} keys of hosts.ini" in told
