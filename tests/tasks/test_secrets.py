"""A secret of ``.env`` never appears: not in argv, not in output, not in a record."""

from __future__ import annotations

import json

import pytest

from .fakes.application import PASSWORD, SALT, TOKEN
from .fakes.engine import Ended
from .fakes.fleet import Fleet, Ran
from .fakes.machine import ROOT

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
    kept = "".join(
        text
        for path, text in running.ubuntu.files.items()
        if path.startswith(f"{ROOT}/releases") and not path.endswith("/env")
    )
    for secret in SECRETS:
        assert secret not in kept


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
