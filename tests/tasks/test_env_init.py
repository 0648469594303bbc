"""The first ``.env`` of servers: what is required is made, known, or asked for; nothing changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from fabfile.model.access.envfile import parse

from .fakes.application import ENV_EXAMPLE, TOKEN
from .fakes.fleet import Fleet
from .fakes.machine import CHECKOUT

ENV = f"{CHECKOUT}/.env"
WRITTEN = "[ubuntu] .env is written; fab ubuntu.deploy replaces what reads it"


@pytest.fixture
def bare(fleet: Fleet) -> Fleet:
    """Two servers without an .env."""
    for machine in fleet.machines.values():
        del machine.files[ENV]
    return fleet


def test_the_first_files_are_made_and_a_deploy_takes_them(bare: Fleet) -> None:
    ran = bare.fab("env.init")
    assert ran.code == 0, ran.everything
    ubuntu, montreal = (parse(machine.env).values for machine in bare.machines.values())
    assert ubuntu["COMPOSE_FILE"] == "compose/ubuntu.yml"
    assert len(ubuntu["DB_PASSWORD"]) == 64
    assert ubuntu["TOKEN"] == montreal["TOKEN"] != ubuntu["DB_PASSWORD"]
    assert montreal["DB_PASSWORD"] == ""
    assert bare.ubuntu.env.startswith(ENV_EXAMPLE.split("COMPOSE_FILE")[0])
    assert not [value for value in ubuntu.values() if len(value) > 20 and value in ran.everything]
    with bare.untouched():
        again = bare.fab("env.init")
    assert again.lines == ["[ubuntu] .env: no change", "[montreal] .env: no change"]
    bare.ubuntu.password = ubuntu["DB_PASSWORD"]
    ran = bare.fab("deploy")
    assert ran.code == 0, ran.everything


def test_only_what_is_missing_is_added(running: Fleet) -> None:
    before = running.ubuntu.env
    running.ubuntu.files[ENV] = before.replace(f"TOKEN={TOKEN}\n", "")
    ran = running.fab("env.init")
    assert ran.code == 0, ran.everything
    assert ran.lines == [
        "[ubuntu] .env: added: TOKEN",
        "[montreal] .env: no change",
        WRITTEN,
    ]
    assert running.ubuntu.env == before.replace(f"TOKEN={TOKEN}\n", "") + f"TOKEN={TOKEN}\n"


def test_one_server_takes_what_the_other_one_has(bare: Fleet) -> None:
    assert bare.fab("env.init --server montreal").code == 0
    assert f"{CHECKOUT}/.env" not in bare.ubuntu.files
    token = parse(bare.montreal.env).values["TOKEN"]
    assert bare.fab("env.init --server ubuntu").code == 0
    assert parse(bare.ubuntu.env).values["TOKEN"] == token


ASKING = ENV_EXAMPLE + "# @required @https @server=ubuntu\nLINK=\n"


def test_what_only_a_person_knows_is_named_off_a_terminal(bare: Fleet, tmp_path: Path) -> None:
    bare.origin.commit("Asks", {".env.example": ASKING})
    with bare.untouched():
        ran = bare.fab("env.init")
    assert (ran.code, ran.error) == (2, "these have no value yet: give them with --answers FILE")
    assert ran.evidence == ["LINK on ubuntu (required, https, read on ubuntu only)"]
    answers = tmp_path / "answers"
    answers.write_text("LINK=https://10.0.0.2:8001\n")
    ran = bare.fab(f"env.init --answers {answers}")
    assert ran.code == 0, ran.everything
    assert parse(bare.ubuntu.env).values["LINK"] == "https://10.0.0.2:8001"


def test_on_a_terminal_it_is_asked_for(bare: Fleet) -> None:
    bare.origin.commit("Asks", {".env.example": ASKING})
    ran = bare.fab_on_a_terminal("env.init", "https://there\ny\n")
    assert ran.code == 0, ran.everything
    assert "LINK on ubuntu (required, https, read on ubuntu only): " in ran.everything
    assert parse(bare.ubuntu.env).values["LINK"] == "https://there"


def test_without_an_example_there_is_nothing_to_start_from(bare: Fleet) -> None:
    bare.origin.reachable = False
    ran = bare.fab("env.init")
    assert (ran.code, ran.error) == (
        2,
        "ubuntu: .env.example cannot be read: fatal: unable to connect to origin",
    )


def test_a_run_that_ends_half_way_is_simply_run_again(bare: Fleet) -> None:
    bare.montreal.fail("replace-settings", times=1)
    ran = bare.fab("env.init")
    assert (ran.code, ran.error) == (
        1,
        "montreal: .env could not be written, and is as it was",
    )
    token = parse(bare.ubuntu.env).values["TOKEN"]
    assert bare.fab("env.init").code == 0
    assert parse(bare.montreal.env).values["TOKEN"] == token
    assert parse(bare.ubuntu.env).values["TOKEN"] == token
