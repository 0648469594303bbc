"""env.set, env.push and env.pull: checked, shown by name, whole, the former kept."""

from __future__ import annotations

import io
import json
import stat
from pathlib import Path

import pytest

from fabfile.model.access.envfile import parse

from .fakes.application import SALT, TOKEN
from .fakes.engine import Ended
from .fakes.fleet import Fleet, Ran
from .fakes.machine import CHECKOUT, ROOT
from .fakes.settings import FORMER
from .test_secrets import assert_silent

ENV = f"{CHECKOUT}/.env"
NEW = "nQ5rZ8yT2wKc7Jm4Xb9Lf3Vd6Gs1Hp0A"
WILD = 'q$(reboot);`x` "y" é -- nQ5rZ8yT2w'
WRITTEN = "[ubuntu] .env is written; fab ubuntu.deploy replaces what reads it"


def given(fleet: Fleet, monkeypatch: pytest.MonkeyPatch, line: str, text: str) -> Ran:
    """Run a command with a text led into its standard input."""
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    return fleet.fab(line)


def told(fleet: Fleet) -> list[dict[str, object]]:
    """What the history of ubuntu tells."""
    text = fleet.ubuntu.files.get(f"{ROOT}/releases/journal", "")
    return [json.loads(line) for line in text.splitlines()]


# --- env.set


@pytest.mark.parametrize("value", [NEW, WILD, f"--{NEW}"])
def test_a_value_by_standard_input_is_set_and_never_shown(
    running: Fleet, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    before = running.ubuntu.env
    ran = given(running, monkeypatch, "env.set SALT --server ubuntu", f"{value}\n")
    assert ran.code == 0, ran.everything
    assert ran.lines == ["[ubuntu] .env: changed: SALT", WRITTEN]
    assert parse(running.ubuntu.env).values == {**parse(before).values, "SALT": value}
    assert value not in ran.everything
    for words in running.ubuntu.transcript:
        assert not [word for word in words if value in word]
    assert_silent(running, ran)
    former = [text for path, text in running.ubuntu.files.items() if path.startswith(FORMER)]
    assert former == [before]
    (entry,) = told(running)
    assert isinstance(entry["at"], int)
    assert running.ubuntu.clock - 60 < entry["at"] <= running.ubuntu.clock
    assert entry["who"] == "somebody (CI run 7)"
    assert (entry["task"], entry["keys"], entry["code"]) == ("env.set", ["SALT"], 0)


def test_the_history_tells_of_it(running: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    given(running, monkeypatch, "env.set SALT --server ubuntu", NEW)
    ran = running.fab("ubuntu.history")
    (line,) = [line for line in ran.out.splitlines() if "env.set" in line]
    when, *rest = line.strip().split("  ")
    assert when.endswith(" UTC")
    assert rest == ["env.set", "somebody (CI run 7)", "SALT"]


def test_the_history_tells_of_it_in_json_under_the_release_that_ran(
    running: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(running, monkeypatch, "env.set SALT --server ubuntu", NEW)
    (first,) = running.fab("ubuntu.history --json").json
    assert [one["task"] for one in first["env"]] == ["env.set"]
    assert running.fab("ubuntu.deploy").code == 0
    running.ubuntu.clock += 10
    given(running, monkeypatch, "env.set MODE --server ubuntu", "fancy")
    second, first = running.fab("ubuntu.history --json").json
    assert [one["keys"] for one in first["env"]] == [["SALT"]]
    assert [one["keys"] for one in second["env"]] == [["MODE"]]
    assert second["env"][0]["who"] == "somebody (CI run 7)"
    (latest,) = running.fab("ubuntu.history --json --number 1").json
    assert latest == second


def test_on_a_terminal_it_is_typed_hidden_and_asked_for(
    running: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def typed(question: str, _stream: object) -> str:
        asked.append(question)
        return NEW

    monkeypatch.setattr("fabfile.ui.console.getpass", typed)
    before = running.ubuntu.env
    ran = running.fab_on_a_terminal("env.set SALT --server ubuntu", "n\n")
    assert (ran.code, ran.error) == (2, "nothing was changed: the answer was no")
    assert running.ubuntu.env == before
    ran = running.fab_on_a_terminal("env.set SALT --server ubuntu", "y\n")
    assert ran.code == 0, ran.everything
    assert asked == ["SALT on ubuntu: "] * 2
    assert parse(running.ubuntu.env).values["SALT"] == NEW


@pytest.mark.parametrize(
    ("line", "value", "why"),
    [
        ("env.set SALT --server ubuntu", "", "no value was given; nothing was changed"),
        ("env.set SALT", NEW, "2 servers are in hosts.ini: name one with --server"),
        ("env.set salt --server ubuntu", NEW, "a key of .env is written in A-Z, 0-9 and _, and"),
        ("env.set SALT --server ubuntu", "a\nb", "SALT: its value has a line break or another"),
        ("env.set SALT --server ubuntu", "a'b\"", "SALT: its value has a quote or a backslash"),
        ("env.set SALT --server london", NEW, "no server [london]"),
    ],
)
def test_what_cannot_be_set_reaches_no_server(
    running: Fleet, monkeypatch: pytest.MonkeyPatch, line: str, value: str, why: str
) -> None:
    ran = given(running, monkeypatch, line, value)
    assert (ran.code, running.connections) == (2, [])
    assert why in ran.error


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("DB_PASSWORD", "short", ".env: DB_PASSWORD has 5 characters; at least 16"),
        (
            "TOKEN",
            f"{NEW} {NEW}",
            ".env: TOKEN may only hold A-Z a-z 0-9 . _ ~ - (it becomes part of",
        ),
        ("SALT", "changeme", ".env: SALT is an example or weak value; make one: openssl rand"),
        ("COMPOSE_PROJECT_NAME", "x", ".env: COMPOSE_PROJECT_NAME makes compose take the stack"),
    ],
)
def test_a_value_that_a_deploy_would_refuse_is_not_written(
    running: Fleet, monkeypatch: pytest.MonkeyPatch, key: str, value: str, why: str
) -> None:
    with running.untouched():
        ran = given(running, monkeypatch, f"env.set {key} --server ubuntu", value)
    assert ran.code == 2
    assert ran.error == "ubuntu: a deploy would refuse this .env; nothing was changed"
    assert why in ran.evidence[0]
    assert value not in ran.everything or len(value) < 6


def test_what_was_wrong_before_keeps_nobody_from_mending_the_rest(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.ubuntu.files[ENV] = "COMPOSE_FILE=compose/ubuntu.yml\nTOKEN=\n"
    ran = given(fleet, monkeypatch, "env.set TOKEN --server ubuntu", TOKEN)
    assert ran.code == 0, ran.everything
    assert "warning: .env: DB_PASSWORD is missing" in ran.out
    assert fleet.ubuntu.env == f"COMPOSE_FILE=compose/ubuntu.yml\nTOKEN={TOKEN}\n"
    assert told(fleet) == []


def test_the_value_that_is_there_is_no_change(
    running: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running.untouched():
        ran = given(running, monkeypatch, "env.set SALT --server ubuntu", SALT)
    assert (ran.code, ran.lines) == (0, ["[ubuntu] .env: no change"])


def test_without_a_file_there_is_nothing_to_set(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    del fleet.ubuntu.files[ENV]
    ran = given(fleet, monkeypatch, "env.set SALT --server ubuntu", NEW)
    assert (ran.code, ran.error) == (2, "ubuntu: there is no .env yet; fab env.init makes it")


@pytest.mark.parametrize(
    ("step", "ended", "code", "why"),
    [
        ("look", Ended(1, err="no"), 1, "ubuntu: the look at the server"),
        (
            "check-settings",
            Ended(1, err="no"),
            1,
            "ubuntu: 'check-settings check' failed with exit",
        ),
        (
            "replace-settings",
            Ended(75),
            2,
            "ubuntu: somebody else changed .env meanwhile; run again",
        ),
        ("replace-settings", Ended(1), 1, "ubuntu: .env could not be written, and is as it was"),
        ("replace-settings", Ended(70), 1, "ubuntu: .env could not be written, and is as it was"),
    ],
)
def test_a_failure_at_any_step_leaves_the_file_as_it_was(
    running: Fleet, monkeypatch: pytest.MonkeyPatch, step: str, ended: Ended, code: int, why: str
) -> None:
    before = running.ubuntu.env
    running.ubuntu.fail(step, ended=ended)
    ran = given(running, monkeypatch, "env.set SALT --server ubuntu", NEW)
    assert (ran.code, running.ubuntu.env) == (code, before)
    assert ran.error.startswith(why)
    assert NEW not in ran.everything


@pytest.mark.parametrize("hindrance", ["held", "frozen"])
def test_nothing_is_written_while_somebody_has_the_server(
    running: Fleet, monkeypatch: pytest.MonkeyPatch, hindrance: str
) -> None:
    before = running.ubuntu.env
    if hindrance == "held":
        running.ubuntu.locks["locks"] = "somebody else"
    else:
        assert running.fab("ubuntu.freeze --why moving").code == 0
    ran = given(running, monkeypatch, "env.set SALT --server ubuntu", NEW)
    assert (ran.code, running.ubuntu.env) == (2, before)


def test_the_only_server_need_not_be_named(running: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = running.hosts.read_text().partition("[montreal]")[0].replace("calls = montreal\n", "")
    running.hosts.write_text(alone)
    ran = given(running, monkeypatch, "env.set SALT", NEW)
    assert ran.code == 0, ran.everything
    assert parse(running.ubuntu.env).values["SALT"] == NEW


# --- env.push, env.pull


def test_a_file_goes_there_and_comes_back_to_the_byte(running: Fleet, tmp_path: Path) -> None:
    file = tmp_path / "ubuntu.env"
    ran = running.fab(f"env.pull --server ubuntu --file {file}")
    assert ran.code == 0, ran.everything
    assert ran.lines == [f"[ubuntu] its .env is in {file}, mode 600"]
    assert file.read_text() == running.ubuntu.env
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert_silent(running, ran)
    text = file.read_text().replace(TOKEN, NEW).replace("MODE=plain", "# gone\nSTRAY=1")
    file.write_text(text)
    ran = running.fab(f"env.push --server ubuntu --file {file}")
    assert ran.code == 0, ran.everything
    assert ran.lines == [
        "[ubuntu] .env: added: STRAY",
        "[ubuntu] .env: changed: TOKEN",
        "[ubuntu] .env: removed: MODE",
        WRITTEN,
    ]
    assert running.ubuntu.env == text
    assert_silent(running, ran)
    assert NEW not in ran.everything


def test_a_file_that_is_there_is_not_overwritten(running: Fleet, tmp_path: Path) -> None:
    file = tmp_path / "ubuntu.env"
    file.write_text("mine")
    ran = running.fab(f"env.pull --server ubuntu --file {file}")
    assert ran.code == 2
    assert ran.error == f"{file} is there already; remove it first, or name another file"
    assert file.read_text() == "mine"


def test_by_standard_output_and_input(running: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = running.fab("env.pull --server ubuntu")
    assert (ran.code, ran.out, ran.err) == (0, running.ubuntu.env, "")
    before = ran.out
    ran = given(running, monkeypatch, "env.push --server ubuntu", f"# said\n{before}")
    assert ran.code == 0, ran.everything
    assert ran.lines == ["[ubuntu] .env: its keys and values stay", WRITTEN]
    assert running.ubuntu.env == f"# said\n{before}"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (f"TOKEN={TOKEN}\n", ".env: COMPOSE_FILE is missing"),
        (f"COMPOSE_FILE=compose/ubuntu.yml\r\nTOKEN={TOKEN}\r\n", ".env:1: carriage return (CRLF)"),
        ("MODE=x\nlonely\n", ".env:2: not KEY=value"),
    ],
)
def test_a_whole_file_must_be_right(
    running: Fleet, monkeypatch: pytest.MonkeyPatch, text: str, why: str
) -> None:
    with running.untouched():
        ran = given(running, monkeypatch, "env.push --server ubuntu", text)
    assert ran.code == 2
    assert ran.error == "ubuntu: a deploy would refuse this .env; nothing was changed"
    assert [line for line in ran.evidence if line.startswith(why)]


@pytest.mark.parametrize("data", [b"\xff\xfeT\0", b"TOKEN=\xe9\n"])
def test_another_encoding_is_named(running: Fleet, tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "odd.env"
    file.write_bytes(data)
    ran = running.fab(f"env.push --server ubuntu --file {file}")
    assert (ran.code, ran.error) == (2, f"{file} is not in UTF-8; save it so")


def test_what_is_empty_or_not_there_is_no_file(
    running: Fleet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran = given(running, monkeypatch, "env.push --server ubuntu", "\n")
    assert (ran.code, ran.error) == (2, "standard input is empty; nothing was changed")
    ran = running.fab(f"env.push --server ubuntu --file {tmp_path / 'none'}")
    assert ran.error == f"{tmp_path / 'none'} cannot be read: No such file or directory"
    assert running.connections == []


def test_a_file_of_another_owner_is_left_alone(
    running: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.ubuntu.env_stat = "root|600"
    ran = given(running, monkeypatch, "env.push --server ubuntu", running.ubuntu.env)
    assert (ran.code, ran.error) == (
        2,
        f"ubuntu: {ENV} belongs to root; run: sudo chown ubuntu {ENV}",
    )
