"""env.rotate of a database's password: the database takes it last, or not at all."""

from __future__ import annotations

import json
import re

import pytest

from fabfile.model.access.envfile import parse

from .fakes.application import DATABASE, ENV_EXAMPLE, PASSWORD, UBUNTU
from .fakes.backing import taken
from .fakes.engine import Ended
from .fakes.fleet import Fleet
from .fakes.machine import CHECKOUT
from .test_secrets import assert_kept_silent, assert_silent

ENV = f"{CHECKOUT}/.env"
MARKS = "".join(f"# @secret @server=ubuntu\nDB_{key}_PASSWORD=\n" for key in ("FORMER", "INITIAL"))
HINT = {**DATABASE, "former": "DB_FORMER_PASSWORD", "initial": "DB_INITIAL_PASSWORD"}
ROTATE = "env.rotate DB_PASSWORD"
GIVE = "give-password"


def stack(*, knows_former: bool = True) -> str:
    model = json.loads(json.dumps(UBUNTU))
    model["x-deploy"]["db"]["database"] = HINT
    services = model["services"]
    services["db"]["environment"]["PASSWORD"] = "${DB_INITIAL_PASSWORD:-${DB_PASSWORD}}"
    if knows_former:
        services["api"]["environment"]["FORMER"] = "${DB_FORMER_PASSWORD:-}"
    return json.dumps(model)


@pytest.fixture
def held(fleet: Fleet) -> Fleet:
    """Both servers deployed; whoever reads the database's password knows the former one too."""
    files = {".env.example": ENV_EXAMPLE + MARKS, "compose/ubuntu.yml": stack()}
    fleet.origin.commit("A database", files)
    ran = fleet.fab("deploy")
    assert ran.code == 0, ran.everything
    fleet.forget()
    return fleet


def value(fleet: Fleet, key: str) -> str:
    return parse(fleet.ubuntu.env).values.get(key, "")


def assert_as_before(fleet: Fleet, env: str) -> None:
    """The former settings stand, run, and open the database."""
    assert fleet.ubuntu.env == env
    assert taken(fleet.ubuntu, value(fleet, "DB_PASSWORD"))
    ran = fleet.fab("env.diff")
    assert ran.lines == [f"[{name}] .env differs in nothing" for name in fleet.machines], ran


def test_the_database_gets_it_once_all_who_run_know_it(held: Fleet) -> None:
    former = PASSWORD
    for _ in range(2):
        held.forget()
        ran = held.fab(ROTATE)
        assert ran.code == 0, ran.everything
        made = value(held, "DB_PASSWORD")
        assert re.fullmatch("[0-9a-f]{64}", made)
        assert value(held, "DB_FORMER_PASSWORD") == former
        assert value(held, "DB_INITIAL_PASSWORD") == PASSWORD
        assert taken(held.ubuntu, made)
        changed = [one for one in held.ubuntu.did if one.startswith(("start", "retire", "give"))]
        assert changed == ["start-beside api", "retire app-api", GIVE]
        assert not [one for one in held.ubuntu.did if one.startswith("compose up")]
        assert "[ubuntu] ✓ password db" in ran.out
        assert made not in ran.everything
        assert former not in ran.everything
        assert_silent(held, ran)
        assert_kept_silent(held.ubuntu)
        assert not [text for text in held.ubuntu.inputs if "ALTER" in text and made in text]
        former = made


@pytest.mark.parametrize("step", ["replace-settings", "start-beside", "switch-proxy", GIVE])
def test_a_failure_at_any_step_ends_with_the_former_one(held: Fleet, step: str) -> None:
    env = held.ubuntu.env
    held.ubuntu.fail(step, times=1)
    ran = held.fab(ROTATE)
    assert ran.code == 1, ran.everything
    assert_as_before(held, env)
    assert_silent(held, ran)


def test_a_database_that_takes_the_new_one_and_refuses_it_gets_the_former_back(
    held: Fleet,
) -> None:
    """As where another rule of pg_hba.conf decides by now."""
    env = held.ubuntu.env
    said = Ended(2, err='FATAL:  password authentication failed for user "app"\n')
    held.ubuntu.fail_after(GIVE, "docker exec SELECT 1", ended=said)
    ran = held.fab(ROTATE)
    assert ran.code == 1, ran.everything
    assert "ubuntu: db does not take its new password: password authentication failed" in ran.error
    assert held.ubuntu.did.count(GIVE) == 2
    assert_as_before(held, env)


def test_a_database_that_took_the_new_one_and_could_not_say_so_gets_the_former_back(
    held: Fleet,
) -> None:
    """The connection ended between both."""
    env = held.ubuntu.env

    def take() -> None:
        held.ubuntu.password = value(held, "DB_PASSWORD")

    held.ubuntu.fail(GIVE, times=1, first=take)
    ran = held.fab(ROTATE)
    assert ran.code == 1, ran.everything
    assert_as_before(held, env)


def test_a_deploy_whose_database_refuses_what_it_took_leaves_the_former_one(held: Fleet) -> None:
    changed_by_hand(held)
    said = Ended(2, err='FATAL:  password authentication failed for user "app"\n')
    held.ubuntu.fail_after(GIVE, "docker exec SELECT 1", ended=said)
    ran = held.fab("ubuntu.deploy")
    assert ran.code == 1, ran.everything
    assert held.ubuntu.did.count(GIVE) == 2
    assert taken(held.ubuntu, PASSWORD)
    assert held.fab("ubuntu.deploy").code == 0
    assert taken(held.ubuntu, value(held, "DB_PASSWORD"))


def changed_by_hand(fleet: Fleet) -> None:
    """Another password in ``.env``, with the former one beside it."""
    made = fleet.ubuntu.env.replace(PASSWORD, "nV3kQ8wLr2Zt6XcB1mHd")
    more = f"DB_FORMER_PASSWORD={PASSWORD}\nDB_INITIAL_PASSWORD={PASSWORD}\n"
    fleet.ubuntu.files[ENV] = made + more


def test_an_operator_who_dies_before_the_database_gets_it_has_the_next_deploy_give_it(
    held: Fleet,
) -> None:
    held.ubuntu.kill_the_operator_at(GIVE)
    assert held.fab(ROTATE).code == -9
    made = value(held, "DB_PASSWORD")
    assert taken(held.ubuntu, PASSWORD)
    assert held.fab("ubuntu.recover").code == 0
    held.forget()
    ran = held.fab(ROTATE)
    assert ran.code == 2, ran.everything
    assert "fab ubuntu.deploy gives it that one where it takes DB_FORMER_PASSWORD" in ran.error
    ran = held.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert held.ubuntu.did == [GIVE]
    assert value(held, "DB_PASSWORD") == made
    assert taken(held.ubuntu, made)


def test_an_operator_who_dies_while_replicas_start_leaves_the_former_one(held: Fleet) -> None:
    env = held.ubuntu.env
    held.ubuntu.kill_the_operator_at("start-beside")
    assert held.fab(ROTATE).code == -9
    ran = held.fab("ubuntu.recover")
    assert ran.code == 0, ran.everything
    assert_as_before(held, env)


def test_the_database_waits_for_whoever_runs_with_other_settings(held: Fleet) -> None:
    """Former replicas that are kept know only the former one."""
    changed_by_hand(held)
    assert held.fab("ubuntu.deploy --keep-old 10m").code == 0
    assert GIVE not in held.ubuntu.did
    assert held.fab("ubuntu.promote").code == 0
    assert held.fab("ubuntu.deploy").code == 0
    assert held.ubuntu.did[-1] == GIVE


def test_a_service_that_would_not_try_the_former_one_is_named(held: Fleet) -> None:
    held.origin.commit("Less", {"compose/ubuntu.yml": stack(knows_former=False)})
    assert held.fab("deploy").code == 0
    with held.untouched():
        ran = held.fab(ROTATE)
    assert ran.code == 2
    assert ran.error == (
        "ubuntu: api would not try DB_FORMER_PASSWORD meanwhile; docs/deploy.md (Passwords) says"
        " what a stack needs for that"
    )
