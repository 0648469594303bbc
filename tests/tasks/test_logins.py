"""A password of ``.env`` is tried before anything that uses it is replaced."""

from __future__ import annotations

import json

import pytest

from .fakes.application import PASSWORD, UBUNTU
from .fakes.engine import Ended
from .fakes.fleet import Fleet
from .fakes.machine import CHECKOUT
from .shelves import with_database

OTHER = "nV3kQ8wLr2Zt6XcB1mHd"
REFUSED = (
    "ubuntu: app-db does not take the password of .env: {}; give it that one first, or put the"
    " former one back (docs/deploy.md, Passwords); nothing was touched"
)
WRONG = 'password authentication failed for "app"'


def another_password(fleet: Fleet) -> None:
    path = f"{CHECKOUT}/.env"
    fleet.ubuntu.files[path] = fleet.ubuntu.env.replace(PASSWORD, OTHER)
    assert OTHER in fleet.ubuntu.env


def second(fleet: Fleet) -> None:
    fleet.origin.commit("Second", {"services/api/app.py": "api, second version\n"})


@pytest.mark.parametrize("command", ["ubuntu.deploy", "deploy", "ubuntu.rollback"])
def test_a_password_that_the_database_refuses_ends_a_change_before_it_begins(
    filled: Fleet, command: str
) -> None:
    """A restart does not help: it stands in the volume."""
    second(filled)
    assert filled.fab("ubuntu.deploy").code == 0
    filled.forget()
    another_password(filled)
    ran = filled.fab(f"{command} --restart-data")
    assert (ran.code, ran.error) == (2, REFUSED.format(WRONG)), ran.everything
    assert filled.ubuntu.did == []
    assert OTHER not in ran.everything
    assert not [word for words in filled.ubuntu.transcript for word in words if OTHER in word]


def test_a_password_that_the_database_was_given_first_is_deployed(filled: Fleet) -> None:
    another_password(filled)
    filled.ubuntu.password = OTHER
    ran = filled.fab("ubuntu.deploy --restart-data")
    assert ran.code == 0, ran.everything
    assert "start-beside api" in filled.ubuntu.did


@pytest.mark.parametrize("state", ["exited", "unhealthy"])
def test_a_database_that_cannot_answer_is_not_asked(filled: Fleet, state: str) -> None:
    """Its deploy may be the cure."""
    another_password(filled)
    database = filled.ubuntu.engine.containers["app-db"]
    if state == "exited":
        database.state = state
    else:
        database.health = state
    ran = filled.fab("ubuntu.deploy --restart-data")
    assert ran.code == 0, ran.everything


@pytest.mark.parametrize(
    "said", ["connection refused", 'FATAL:  no pg_hba.conf entry for host "10.0.0.2"']
)
def test_a_database_that_says_nothing_of_the_password_refuses_nothing(
    filled: Fleet, said: str
) -> None:
    filled.ubuntu.fail("docker exec SELECT 1", ended=Ended(2, err=f"psql: error: {said}\n"))
    second(filled)
    ran = filled.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything


@pytest.fixture
def logging_in(running: Fleet) -> Fleet:
    """``db`` takes its password when it starts, and has a command that tries it."""
    model = json.loads(json.dumps(UBUNTU))
    model["x-deploy"]["db"]["login"] = ["log-in", "now"]
    running.origin.commit("A login", {"compose/ubuntu.yml": json.dumps(model)})
    assert running.fab("deploy").code == 0
    running.forget()
    return running


def test_what_takes_its_password_at_its_start_is_not_asked_when_it_starts_anew(
    logging_in: Fleet,
) -> None:
    another_password(logging_in)
    ran = logging_in.fab("ubuntu.deploy --restart-data")
    assert ran.code == 0, ran.everything


def test_what_stays_must_take_the_password_that_its_users_get(logging_in: Fleet) -> None:
    """Somebody gave it another one while it ran."""
    logging_in.ubuntu.password = OTHER
    second(logging_in)
    ran = logging_in.fab("ubuntu.deploy")
    assert (ran.code, ran.error) == (2, REFUSED.format("wrong")), ran.everything
    assert logging_in.ubuntu.did == []


def test_nothing_to_do_tries_nothing(filled: Fleet) -> None:
    filled.ubuntu.password = OTHER
    assert filled.fab("ubuntu.deploy").code == 0


def test_a_compose_file_without_the_keys_tries_nothing(running: Fleet) -> None:
    model = json.loads(with_database())
    del model["x-deploy"]["db"]["database"]["password"]
    running.ubuntu.password = OTHER
    running.origin.commit("A database", {"compose/ubuntu.yml": json.dumps(model)})
    assert running.fab("deploy").code == 0
