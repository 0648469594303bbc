"""exec, console and run: which container, with which words, and how it ends."""

from __future__ import annotations

import shlex
import subprocess
from typing import Any

import pytest

from .fakes import attaching
from .fakes.application import TOKEN
from .fakes.attaching import Near
from .fakes.engine import Ended
from .fakes.fleet import Fleet, Ran
from .hostile import VALUES
from .test_journal import entries

WORDS = ["a b", "", "$(id)", "it's", "--", "-x", "two\nlines", "*"]
EXEC = ["docker", "exec", "--interactive", "--env"]


def asked(fleet: Fleet) -> list[str]:
    """The words of the one command that was run."""
    (line,) = fleet.ubuntu.attached.lines
    fleet.ubuntu.attached.lines.clear()
    return shlex.split(line)


def test_words_go_to_the_first_healthy_replica_as_they_are(running: Fleet) -> None:
    ran = running.fab_words("ubuntu.exec", "api", "--", "show", *WORDS)
    assert (ran.code, ran.everything) == (0, "")
    words = asked(running)
    assert words[:4] == EXEC
    assert words[4].startswith("WISHWITHME_EXEC=")
    assert words[5:] == [running.ubuntu.engine.containers["app-api-1"].id, "show", *WORDS]
    running.ubuntu.engine.containers["app-api-1"].health = "unhealthy"
    running.fab_words("ubuntu.exec", "api", "--", "show")
    assert asked(running)[5:] == [running.ubuntu.engine.containers["app-api-2"].id, "show"]


def test_a_replica_that_is_named_may_be_unhealthy(running: Fleet) -> None:
    running.ubuntu.engine.containers["app-api-2"].health = "unhealthy"
    assert running.fab_words("ubuntu.exec", "api", "--replica=2", "--", "x").code == 0
    assert asked(running)[5] == running.ubuntu.engine.containers["app-api-2"].id


def test_bytes_and_exit_code_are_the_command_s(
    running: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Near, "given", b"some\r\ninput")
    running.ubuntu.attached.ended = Ended(7, "out\r\n", "err")
    ran = running.fab_words("ubuntu.exec", "web", "--", "x")
    assert (ran.code, ran.out, ran.err) == (7, "out\r\n", "err")
    assert running.ubuntu.attached.given == b"some\r\ninput"


def test_whoever_stands_by_is_told_when_it_has_ended(running: Fleet) -> None:
    running.fab_words("ubuntu.exec", "web", "--", "x")
    begun, *rest = running.ubuntu.attached.watched
    assert begun.split()[1] == running.ubuntu.engine.containers["app-web"].id
    assert rest == ["bye\n", "end"]


def test_a_run_is_a_one_off_container_of_the_stack_that_is_checked_out(running: Fleet) -> None:
    assert running.fab_words("ubuntu.run", "api", "--", "show", *WORDS).code == 0
    words = asked(running)
    token = running.ubuntu.attached.watched[0].split()[0]
    name = f"app-api-run-{token}"
    options = ["run", "--rm", "--no-deps", "--name", name, "-T"]
    assert words[words.index("run") :] == [*options, "api", "show", *WORDS]
    assert "/home/ubuntu/app/compose/ubuntu.yml" in words
    assert running.ubuntu.attached.watched[0].split()[1] == name


def test_on_a_terminal_the_command_gets_one_and_a_line_tells_where(
    running: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Near, "terminal", True)
    running.ubuntu.attached.ended = Ended(0, "hello")
    assert running.fab_words("ubuntu.exec", "web", "--", "sh").out == "[ubuntu] in app-web\nhello"
    assert "--tty" in asked(running)
    assert running.fab_words("ubuntu.run", "web", "--", "sh").code == 0
    assert "-T" not in asked(running)


@pytest.mark.parametrize(
    ("what", "there", "words"),
    [("db", "app-db", ["psql", "DB_USER", "DB_NAME", "DB_PASSWORD"]), ("web", "app-web", [])],
)
def test_a_console_is_opened_inside_and_no_secret_is_in_its_words(
    filled: Fleet, what: str, there: str, words: list[str]
) -> None:
    ran = filled.fab(f"ubuntu.console {what}")
    assert ran.code == 0, ran.everything
    got = asked(filled)
    assert got[5] == filled.ubuntu.engine.containers[there].id
    assert (got[6:8], got[9:]) == (["sh", "-c"], ["console", *words])


def test_a_console_of_what_the_stack_has_not_is_refused(running: Fleet) -> None:
    refused(running.fab("ubuntu.console redis"), "ubuntu: the stack has no service with the image"
                                                 " of Redis")  # fmt: skip
    ran = running.fab("montreal.console db")
    refused(ran, "montreal: the stack has no database under x-deploy")


def refused(ran: Ran, why: str) -> None:
    assert (ran.code, ran.error, ran.out) == (2, why, "")


def test_where_there_is_no_such_container_nothing_is_run(running: Fleet) -> None:
    containers = running.ubuntu.engine.containers

    def tried(*more: str, service: str = "api") -> Ran:
        return running.fab_words("ubuntu.exec", service, *more, "--", "x")

    ran = tried(service="apj")
    assert ran.error.startswith("no service 'apj' in the stack; services: ")
    assert ran.error.endswith("did you mean api?")
    for number in ("0", "3"):
        refused(
            tried(f"--replica={number}"),
            f"ubuntu: api has no replica {number}; there is app-api-1, app-api-2",
        )
    containers["app-api-1"].health = "starting"
    containers["app-api-2"].health = "unhealthy"
    refused(
        tried(),
        "ubuntu: no replica of api is healthy (app-api-1 is starting, app-api-2 is unhealthy);"
        " --replica NUMBER takes one all the same",
    )
    for one in ("app-api-1", "app-api-2"):
        containers[one].state = "exited"
    told = "ubuntu: app-api-1 does not run (exited);"
    told += " fab ubuntu.run api -- COMMAND runs one in a container of its own"
    refused(tried(), told)
    refused(tried("--replica=1"), told)
    del containers["app-api-1"], containers["app-api-2"]
    refused(tried(), "ubuntu: api has no container; fab ubuntu.status shows what runs")
    assert running.ubuntu.attached.lines == []


def test_a_container_of_somebody_else_is_left_alone(running: Fleet) -> None:
    running.ubuntu.engine.containers["app-web"].project = "theirs"
    ran = running.fab_words("ubuntu.exec", "web", "--", "x")
    refused(ran, "ubuntu: web has no container; fab ubuntu.status shows what runs")


def test_in_maintenance_and_frozen_it_goes_on_and_a_terminal_tells(
    running: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert running.fab("maintenance.on --why moving").code == 0
    assert running.fab("ubuntu.freeze --why sale").code == 0
    assert running.fab_words("ubuntu.exec", "web", "--", "x").everything == ""
    monkeypatch.setattr(Near, "terminal", True)
    where, why = running.fab_words("ubuntu.exec", "web", "--", "x").lines
    assert where == "[ubuntu] in app-web"
    assert why.startswith("[ubuntu] in maintenance since ")


def test_before_the_first_deploy_there_is_nothing_to_run_in(fleet: Fleet) -> None:
    for task in ("exec", "run"):
        ran = fleet.fab_words(f"ubuntu.{task}", "api", "--", "x")
        assert (ran.code, ran.out) == (2, ""), ran.everything
    assert fleet.ubuntu.attached.lines == []


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("ubuntu.exec api", "ubuntu.exec needs a command: fab ubuntu.exec SERVICE -- COMMAND"),
        ("ubuntu.exec api --", "ubuntu.exec needs a command behind --"),
        ("ubuntu.deploy -- x", "ubuntu.deploy takes nothing behind --"),
        ("-- x", "fab takes nothing behind --"),
        ("ubuntu.exec api ubuntu.status -- x", "ubuntu.status takes nothing behind --"),
        ("ubuntu.exec api ubuntu.run api -- x",
         "of ubuntu.exec, ubuntu.run one can have what is behind --"),
        ("ubuntu.exec -- x", "ubuntu.exec needs --service SERVICE"),
    ],
)  # fmt: skip
def test_what_is_behind_the_dashes_is_one_task_s(running: Fleet, line: str, why: str) -> None:
    with running.untouched():
        refused(running.fab(line), why)


def test_help_needs_no_command(running: Fleet) -> None:
    ran = running.fab("--help ubuntu.exec")
    assert (ran.code, ran.err) == (0, "")
    assert "Example: fab ubuntu.exec api -- env" in ran.out


def test_each_use_is_told_without_secrets(running: Fleet) -> None:
    running.ubuntu.attached.ended = Ended(3)
    running.fab_words("ubuntu.exec", "web", "--", "x", f"say {TOKEN}", "--password", "new")
    running.fab_words("ubuntu.run", "web", "--", "x")
    first, second = entries(running)[-2:]
    told: dict[str, Any] = {key: first[key] for key in ("task", "arguments", "code", "note")}
    assert told == {
        "task": "exec",
        "arguments": ["web", "--", "x", "say [hidden]", "--password", "[hidden]"],
        "code": 3,
        "note": "in app-web",
    }
    assert first["who"] == "somebody (CI run 7)"
    assert (second["task"], second["arguments"]) == ("run", ["web", "--", "x"])


def test_a_lost_connection_says_so_and_is_told_by_a_new_one(running: Fleet) -> None:
    running.ubuntu.attached.lost = True
    ran = running.fab_words("ubuntu.exec", "web", "--", "x")
    why = "ubuntu: the connection is lost (it was cut); what ran there is ended by the server"
    assert (ran.code, ran.error) == (255, why)
    assert running.ubuntu.attached.watched[-1] == "end"
    assert "bye\n" not in running.ubuntu.attached.watched
    assert (entries(running)[-1]["code"], entries(running)[-1]["error"]) == (255, why)
    assert len(running.connections) > 1


def test_a_login_shell_that_begins_nothing_is_named(running: Fleet) -> None:
    running.ubuntu.attached.ends_before = True
    running.ubuntu.attached.ended = Ended(1, "This account is not available.")
    ran = running.fab_words("ubuntu.exec", "web", "--", "x")
    assert ran.code == 2
    assert ran.error.startswith("ubuntu: the command was not run: the login shell of ubuntu")
    assert ran.evidence == ["This account is not available."]


def test_hostile_words_execute_nothing(running: Fleet, tmp_path: Any) -> None:
    """The line that a server's shell gets is run there by a real bash."""
    canary = tmp_path / "canary"
    lines: list[str] = []
    attaching.LINES.append(lines.append)
    for task in ("exec", "run"):
        words = [value.format(canary) for value in VALUES.values()]
        assert running.fab_words(f"ubuntu.{task}", "api", "--", *words).code == 0
    attaching.LINES.clear()
    for line in lines:
        subprocess.run(
            ["/bin/bash", "-c", line],
            env={"PATH": "", "HOME": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=tmp_path,
            check=False,
            timeout=60,
        )
    assert len(lines) == 4
    assert not canary.exists()
