"""A secret of ``.env`` never appears: not in argv, not in output, not in a record."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest

from fabfile import ns
from fabfile.ops.session import Session, read_inventory
from fabfile.ops.sight import look_at
from fabfile.ui.console import Console

from .fakes.application import PASSWORD, SALT, TOKEN
from .fakes.engine import Ended
from .fakes.fleet import Fleet, Ran
from .fakes.machine import ROOT, Machine

SECRETS = (PASSWORD, TOKEN, SALT, json.dumps(SALT)[1:-1])
COMMANDS = [
    "deploy",
    "deploy --json",
    "deploy --dry-run",
    "plan --json",
    "status",
    "status --json",
    "ubuntu.health",
    "montreal.health --json",
    "ubuntu.history --show 00000001",
    "ubuntu.logs",
    "ubuntu.ps",
]


def assert_silent(fleet: Fleet, ran: Ran) -> None:
    """No secret in what was shown, nor in a word of a command on any server."""
    for secret in SECRETS:
        assert secret not in ran.everything
        for machine in fleet.machines.values():
            for words in machine.transcript:
                assert not [word for word in words if secret in word], words[:5]


def assert_kept_silent(machine: Machine) -> None:
    """No secret in a record or a log of a release; its own ``.env`` is kept beside them."""
    for path, text in machine.below(f"{ROOT}/releases").items():
        if not path.endswith("/env"):
            assert not [secret for secret in SECRETS if secret in text], path


@pytest.mark.parametrize("command", COMMANDS)
def test_no_secret_is_in_the_output_or_in_the_argv_of_any_command(
    running: Fleet, command: str
) -> None:
    running.origin.commit("Second", {"services/api/app.py": "api, second version\n"})
    assert_silent(running, running.fab(command))


def test_a_rollback_shows_no_secret(running: Fleet) -> None:
    running.origin.commit("Second", {"services/api/app.py": "api, second version\n"})
    assert running.fab("ubuntu.deploy").code == 0
    ran = running.fab("ubuntu.rollback")
    assert ran.code == 0, ran.everything
    assert "start-beside api" in running.ubuntu.did
    assert_silent(running, ran)


@pytest.mark.parametrize("command", ["status", "deploy", "ubuntu.history", "doctor"])
def test_a_look_that_ends_early_shows_no_secret(running: Fleet, command: str) -> None:
    """An engine that hangs ends it in the middle, where the settings have been printed already."""
    half = f"@@ env\nPOSTGRES_PASSWORD={PASSWORD}\nTOKEN={TOKEN}\n"
    running.ubuntu.fail("look", ended=Ended(124, out=half, err="the engine hangs\n"))
    ran = running.fab(command)
    assert ran.code != 0
    assert "the engine hangs" in ran.everything
    assert_silent(running, ran)


TASKS = {
    **{name: name for name in ns.task_names if name not in ("new", "hosts.pin")},
    "env.explain": "env.explain TOKEN",
    "env.pull": "env.pull --server ubuntu --file pulled.env",
    "env.push": "env.push --server ubuntu --file new.env",
    "env.rotate": "env.rotate TOKEN",
    "env.set": "env.set SALT --server ubuntu",
    "ssl.install": "ssl.install cert.pem key.pem",
    "ubuntu.freeze": "ubuntu.freeze --why tests",
    "montreal.freeze": "montreal.freeze --why tests",
    "volume.restore": "volume.restore --on ubuntu --service db --yes",
}
"""Each task that reads a server's settings, as it is typed."""


def _with_files(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the files are that tasks are given."""
    folder = fleet.hosts.parent
    monkeypatch.chdir(folder)
    (folder / "new.env").write_text(fleet.ubuntu.env + "STRAY=1\n")
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD))


@pytest.mark.parametrize("command", TASKS.values(), ids=TASKS)
def test_no_task_shows_a_secret_whatever_programs_say(
    running: Fleet, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Each program but the look fails, and says what it knows; crontab knows nothing of it."""
    _with_files(running, monkeypatch)
    for machine in running.machines.values():
        known = [secret for secret in (PASSWORD, TOKEN, SALT) if secret in machine.env]
        said = Ended(1, out="\n".join(known), err=" ".join(known))
        machine.fail("^(?!look|lock|put|rm|which|crontab)", ended=said)
    running.origin.commit("Second", {"services/api/app.py": "api, second version\n"})
    assert_silent(running, running.fab(command))
    for machine in running.machines.values():
        assert_kept_silent(machine)


@pytest.mark.parametrize("command", TASKS.values(), ids=TASKS)
def test_no_task_shows_a_secret_of_a_look_that_ends_early(
    running: Fleet, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """What its programs said is shown, and they may have said a secret."""
    _with_files(running, monkeypatch)
    monkeypatch.setattr("fabfile.remote.look.secrets.token_hex", lambda _bytes: "mark")
    half = f"\n@@mark env\n{running.ubuntu.env}\n@@mark head\n"
    said = f"the engine hangs: {PASSWORD} {TOKEN} {SALT}\n"
    for machine in running.machines.values():
        machine.fail("^look$", ended=Ended(124, out=half, err=said))
    ran = running.fab(command)
    assert_silent(running, ran)
    if "the engine hangs" in ran.everything:
        assert "the engine hangs: [hidden] [hidden] [hidden]" in ran.everything


def test_the_traceback_of_a_bug_shows_no_secret(
    running: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object, **_options: object) -> None:
        raise KeyError(f"db://app:{PASSWORD}@db")

    monkeypatch.setattr("fabfile.ops.watch.status.look_at", _looking(broken))
    ran = running.fab("status")
    assert (ran.code, ran.error) == (
        1,
        "a bug in the collection: KeyError: 'db://app:[hidden]@db'",
    )
    assert ran.evidence[0] == "Traceback (most recent call last):"
    assert_silent(running, ran)


def _looking(then: Callable[..., None]) -> Callable[..., None]:
    """A look, and then what is done with it."""

    def look(session: Session, name: str, *_ref: str) -> None:
        look_at(session, name)
        then()

    return look


def test_what_a_look_saw_shows_no_secret_in_an_error(running: Fleet) -> None:
    """An assertion and a debugger print what they are given."""
    with Session(read_inventory({}, running.hosts.parent), Console(), running._open) as session:
        sight = look_at(session, "ubuntu")
    assert not [secret for secret in SECRETS if secret in repr(sight)]


def test_a_first_deploy_shows_no_secret(fleet: Fleet) -> None:
    ran = fleet.fab("deploy")
    assert ran.code == 0, ran.everything
    assert_silent(fleet, ran)


@pytest.mark.parametrize("command", ["compose build", "docker run", "start-beside", "compose run"])
def test_what_a_failing_program_says_of_a_secret_is_hidden(running: Fleet, command: str) -> None:
    """Programs print their settings when they fail; nothing of it may pass, nor be recorded."""
    running.origin.commit(
        "Second",
        {"services/api/app.py": "api, second version\n", "services/api/schema": "002\n"},
    )
    fault = running.ubuntu.fail(command, times=1)
    fault.ended = type(fault.ended)(1, f"dsn db://app:{PASSWORD}@db", f"{TOKEN} {SALT}")
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 1
    assert_silent(running, ran)
    assert "[hidden]" in ran.err
    assert_kept_silent(running.ubuntu)


def test_a_body_that_repeats_the_token_is_hidden(running: Fleet) -> None:
    running.origin.commit("Second", {"services/web/index.html": f"Farewell {TOKEN}"})
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 1
    assert_silent(running, ran)
    assert "Farewell [hidden]" in ran.everything


def test_the_bearer_goes_to_curl_by_its_input(running: Fleet) -> None:
    running.fab("montreal.health")
    assert [text for text in running.montreal.inputs if f"Bearer {TOKEN}" in text]


def test_the_settings_reach_a_smoke_test_by_its_input(running: Fleet) -> None:
    running.origin.commit("Second", {"services/api/app.py": "api, second version\n"})
    running.fab("ubuntu.deploy")
    (given,) = [text for text in running.ubuntu.inputs if "DATABASE=" in text]
    assert f"DATABASE=db://app:{PASSWORD}@db/app\n" in given
    assert f"SALT={SALT}\n" in given


def test_a_commit_cannot_take_the_mark_from_a_secret(running: Fleet) -> None:
    """What the deployed example marks stays hidden, whatever the wanted commit says of it."""
    bare = "COMPOSE_FILE=\nSTATE_ROOT=/opt/app\nDB_PASSWORD=\nTOKEN=\nSALT=\nMODE=plain\n"
    running.origin.commit("Bare", {".env.example": bare, "services/api/app.py": "x\n"})
    running.ubuntu.fail("compose build", ended=Ended(1, err=f"{PASSWORD} {TOKEN} {SALT}"))
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 1
    assert "[hidden] [hidden] [hidden]" in ran.err
    assert_silent(running, ran)
