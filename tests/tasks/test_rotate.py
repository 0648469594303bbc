"""env.rotate: a secret made anew, brought to all that read it, and back on any failure."""

from __future__ import annotations

import json
import re

import pytest

from fabfile.model.access.envfile import parse

from .fakes.application import ENV_EXAMPLE, PASSWORD, TOKEN, UBUNTU
from .fakes.fleet import Fleet
from .fakes.machine import CHECKOUT, ROOT
from .test_secrets import assert_kept_silent, assert_silent

ENV = f"{CHECKOUT}/.env"
OWN = "# @secret @min=32 @server=ubuntu\nOWN_KEY=\n"
FORMER = "f4Kd8Rw2Zt6Yb1Nc9Hx5Lq3Vm7Js0PgA"


@pytest.fixture
def keyed(fleet: Fleet) -> Fleet:
    """Both servers deployed; api reads a secret that is ubuntu's alone."""
    stack = json.loads(json.dumps(UBUNTU))
    stack["services"]["api"]["environment"]["OWN"] = "${OWN_KEY}"
    files = {".env.example": ENV_EXAMPLE + OWN, "compose/ubuntu.yml": json.dumps(stack)}
    fleet.origin.commit("A key", files)
    fleet.ubuntu.files[ENV] += f"OWN_KEY={FORMER}\n"
    ran = fleet.fab("deploy")
    assert ran.code == 0, ran.everything
    fleet.forget()
    return fleet


def value(fleet: Fleet, server: str, key: str) -> str:
    return parse(fleet.machines[server].env).values[key]


def assert_back(fleet: Fleet, before: dict[str, str]) -> None:
    """Each server has its former settings, and runs with them."""
    assert {name: machine.env for name, machine in fleet.machines.items()} == before
    ran = fleet.fab("env.diff")
    assert ran.lines == [f"[{name}] .env differs in nothing" for name in fleet.machines], ran


def envs(fleet: Fleet) -> dict[str, str]:
    return {name: machine.env for name, machine in fleet.machines.items()}


def test_a_secret_of_one_server_replaces_only_what_reads_it(keyed: Fleet) -> None:
    before = envs(keyed)
    ran = keyed.fab("env.rotate OWN_KEY")
    assert ran.code == 0, ran.everything
    made = value(keyed, "ubuntu", "OWN_KEY")
    assert re.fullmatch("[0-9a-f]{64}", made)
    assert keyed.ubuntu.env == before["ubuntu"].replace(FORMER, made)
    assert keyed.montreal.env == before["montreal"]
    assert "start-beside api" in keyed.ubuntu.did
    changed = [line for line in keyed.ubuntu.did if line.startswith(("start-beside", "compose up"))]
    assert changed == ["start-beside api"]
    assert "start-beside" not in " ".join(keyed.montreal.did)
    assert ran.lines[-1] == "[ubuntu] OWN_KEY is rotated, proved"
    assert keyed.releases("ubuntu")[-1].outcome == "verified"
    for secret in (FORMER, made):
        assert secret not in ran.everything
    assert_silent(keyed, ran)
    for machine in keyed.machines.values():
        assert_kept_silent(machine)
    assert keyed.fab("env.diff").lines == [
        f"[{name}] .env differs in nothing" for name in ("ubuntu", "montreal")
    ]
    assert keyed.ubuntu.files[f"{ROOT}/releases/journal"].count("env.rotate") == 1
    having = [path for path, text in keyed.ubuntu.files.items() if FORMER in text]
    assert [path.partition("former-")[0] for path in having] == [f"{ENV}."]


def test_a_former_value_that_a_release_goes_on_keeping_is_told(keyed: Fleet) -> None:
    keyed.ubuntu.fail_after("retire", "keep-env")
    ran = keyed.fab("env.rotate OWN_KEY")
    assert ran.code == 0, ran.everything
    assert "exit code 1; a release keeps the former value until the next deploy" in ran.everything
    assert keyed.fab("ubuntu.restart --service web").code == 0


def test_a_secret_of_both_servers_is_the_same_on_both(keyed: Fleet) -> None:
    ran = keyed.fab("env.rotate TOKEN")
    assert ran.code == 0, ran.everything
    made = value(keyed, "ubuntu", "TOKEN")
    assert made == value(keyed, "montreal", "TOKEN") != TOKEN
    made_by = [line for line in keyed.journal if re.search("start-beside|compose up", line)]
    assert [line.partition(":")[0] for line in made_by] == ["montreal", "montreal", "ubuntu"]
    assert made not in ran.everything
    assert_silent(keyed, ran)


@pytest.mark.parametrize("key", ["OWN_KEY", "TOKEN"])
@pytest.mark.parametrize(
    "step",
    [
        "replace-settings",
        "fetch",
        "hold-proxy",
        "start-beside",
        "switch-proxy",
    ],
)
def test_a_failure_at_any_step_ends_with_the_former_value(
    keyed: Fleet, key: str, step: str
) -> None:
    before = envs(keyed)
    keyed.ubuntu.fail(step, times=1)
    ran = keyed.fab(f"env.rotate {key}")
    assert ran.code == 1, ran.everything
    assert_back(keyed, before)
    assert_silent(keyed, ran)


@pytest.mark.parametrize("key", ["OWN_KEY", "TOKEN"])
def test_a_former_replica_that_does_not_go_is_no_reason_to_go_back(keyed: Fleet, key: str) -> None:
    keyed.ubuntu.fail("retire", times=1)
    ran = keyed.fab(f"env.rotate {key}")
    assert ran.code == 0, ran.everything
    assert value(keyed, "ubuntu", key) not in (FORMER, TOKEN)


def test_a_failure_of_the_other_server_brings_both_back(keyed: Fleet) -> None:
    before = envs(keyed)
    keyed.montreal.fail("compose up", times=1)
    ran = keyed.fab("env.rotate TOKEN")
    assert ran.code == 1, ran.everything
    assert_back(keyed, before)


def test_a_link_that_is_red_in_the_end_brings_both_back(keyed: Fleet) -> None:
    """Both were deployed by then: so is the former value, by another deploy."""
    before = envs(keyed)
    keyed.ubuntu.fail_after("retire", "docker exec worker")
    ran = keyed.fab("env.rotate TOKEN")
    assert (ran.code, ran.error) == (
        1,
        "ubuntu: the link to montreal is red; the former TOKEN is back",
    )
    assert [line for line in keyed.ubuntu.did if line.startswith("start-beside")] == [
        "start-beside api",
        "start-beside api",
    ]
    assert_back(keyed, before)


def test_a_link_that_is_red_before_is_no_time_to_rotate(keyed: Fleet) -> None:
    keyed.ubuntu.fail("docker exec worker")
    with keyed.untouched():
        ran = keyed.fab("env.rotate TOKEN")
    assert (ran.code, ran.error) == (
        2,
        "ubuntu: the link to montreal is red before anything was changed",
    )
    assert ran.evidence == ["link: injected"]


def test_a_server_that_a_deploy_refuses_keeps_its_value(keyed: Fleet) -> None:
    before = envs(keyed)
    keyed.ubuntu.free = 5 << 20
    ran = keyed.fab("env.rotate OWN_KEY")
    assert ran.code == 2, ran.everything
    assert ran.error.endswith("the former OWN_KEY is back")
    assert envs(keyed) == before


def test_a_value_that_cannot_be_put_back_needs_a_person(keyed: Fleet) -> None:
    keyed.ubuntu.free = 5 << 20
    keyed.ubuntu.fail_after("replace-settings", "replace-settings")
    ran = keyed.fab("env.rotate OWN_KEY")
    assert ran.code == 3, ran.everything
    assert "the former OWN_KEY does not run everywhere again: ubuntu: .env could not" in ran.error
    assert ran.error.endswith("it stands in the newest .env.former-*")


def test_a_frozen_server_keeps_its_value(keyed: Fleet) -> None:
    assert keyed.fab("ubuntu.freeze --why moving").code == 0
    with keyed.untouched():
        ran = keyed.fab("env.rotate OWN_KEY")
    assert ran.code == 2
    assert ran.error.startswith("ubuntu: frozen by somebody")
    assert ran.error.endswith("moving; fab ubuntu.unfreeze lifts it")


def test_an_answer_that_is_no_changes_nothing(keyed: Fleet) -> None:
    before = envs(keyed)
    ran = keyed.fab_on_a_terminal("env.rotate TOKEN", "n\n")
    assert (ran.code, ran.error) == (2, "nothing was changed: the answer was no")
    assert "Rotate TOKEN on ubuntu and montreal? [y/N]" in ran.out
    assert envs(keyed) == before
    assert keyed.fab_on_a_terminal("env.rotate OWN_KEY", "y\n").code == 0


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("MODE", "MODE: .env.example has no @secret and @min for it, so its value is not made"),
        ("SALT", "SALT: .env.example has no @secret and @min for it"),
        ("NOBODY", "NOBODY is in no .env.example of a server that it could be rotated on"),
        ("x", "a key of .env is written in A-Z"),
    ],
)
def test_what_is_not_made_here_is_not_rotated(keyed: Fleet, key: str, why: str) -> None:
    with keyed.untouched():
        ran = keyed.fab(f"env.rotate {key} --server ubuntu")
    assert ran.code == 2
    assert why in ran.error


def test_what_no_service_reads_is_not_rotated(fleet: Fleet) -> None:
    fleet.origin.commit("A key", {".env.example": ENV_EXAMPLE + OWN})
    fleet.ubuntu.files[ENV] += f"OWN_KEY={FORMER}\n"
    assert fleet.fab("deploy").code == 0
    with fleet.untouched():
        ran = fleet.fab("env.rotate OWN_KEY")
    assert ran.error == (
        "ubuntu: no service reads OWN_KEY, so nothing would prove it;"
        " fab env.set OWN_KEY --server ubuntu changes it"
    )


def test_the_password_of_a_database_that_nobody_knows_twice_is_refused(filled: Fleet) -> None:
    with filled.untouched():
        ran = filled.fab("env.rotate DB_PASSWORD")
    assert ran.code == 2
    assert ran.error == (
        "DB_PASSWORD: db has it in its volume, and takes one password at a time;"
        " docs/deploy.md (Passwords) says what a stack needs for that"
    )
    assert PASSWORD in filled.ubuntu.env


def test_a_data_service_that_reads_it_is_restarted_only_when_that_is_allowed(fleet: Fleet) -> None:
    stack = json.loads(json.dumps(UBUNTU))
    for name in ("api", "db"):
        stack["services"][name]["environment"]["OWN"] = "${OWN_KEY}"
    files = {".env.example": ENV_EXAMPLE + OWN, "compose/ubuntu.yml": json.dumps(stack)}
    fleet.origin.commit("A key", files)
    fleet.ubuntu.files[ENV] += f"OWN_KEY={FORMER}\n"
    assert fleet.fab("deploy").code == 0
    before = envs(fleet)
    ran = fleet.fab("env.rotate OWN_KEY")
    assert ran.code == 2, ran.everything
    assert "--restart-data" in ran.error
    assert ran.error.endswith("; the former OWN_KEY is back")
    assert envs(fleet) == before
    ran = fleet.fab("env.rotate OWN_KEY --restart-data")
    assert ran.code == 0, ran.everything
    assert value(fleet, "ubuntu", "OWN_KEY") != FORMER
    fleet.ubuntu.fail("switch-proxy", times=1)
    before = envs(fleet)
    ran = fleet.fab("env.rotate OWN_KEY --restart-data")
    assert ran.code == 1, ran.everything
    assert_back(fleet, before)


def test_what_was_changed_and_not_deployed_comes_first(keyed: Fleet) -> None:
    keyed.ubuntu.files[ENV] = keyed.ubuntu.env.replace("MODE=plain", "MODE=fancy")
    with keyed.untouched():
        ran = keyed.fab("env.rotate TOKEN")
    assert ran.error == (
        "ubuntu: its .env was changed since the last release: MODE; fab ubuntu.deploy brings that"
        " first"
    )


def test_servers_of_different_commits_come_to_one_first(keyed: Fleet) -> None:
    keyed.origin.commit("Later", {"services/web/index.html": "Welcome again\n"})
    assert keyed.fab("ubuntu.deploy").code == 0
    with keyed.untouched():
        ran = keyed.fab("env.rotate TOKEN")
    assert ran.error == ("ubuntu and montreal run different commits: fab deploy brings them to one")
    assert keyed.fab("env.rotate OWN_KEY").code == 0


def test_a_newer_commit_at_the_repository_is_not_deployed_by_the_way(keyed: Fleet) -> None:
    runs = keyed.ubuntu.head
    keyed.origin.commit("Later", {"services/web/index.html": "Welcome again\n"})
    assert keyed.fab("env.rotate OWN_KEY").code == 0
    assert keyed.ubuntu.head == runs


def test_an_operator_who_dies_leaves_a_state_that_the_next_deploy_makes_uniform(
    keyed: Fleet,
) -> None:
    keyed.ubuntu.kill_the_operator_at("start-beside")
    assert keyed.fab("env.rotate OWN_KEY").code == -9
    ran = keyed.fab("ubuntu.recover")
    assert ran.code == 0, ran.everything
    assert value(keyed, "ubuntu", "OWN_KEY") == FORMER
