"""The decision for a server that has nothing, and for services that are new."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fabfile.model.access.folders import FOLDERS
from fabfile.model.deploy.decide import decide
from fabfile.model.deploy.plan import PREPARING, Kind, Plan, Step, Wish
from fabfile.model.facts import Facts, Folder

from .builders import (
    OLD,
    ROOT,
    SERVER,
    STACK,
    commit,
    facts,
    folders,
    service,
    target,
)
from .planning import (
    FETCH,
    TEST_PROXY,
    changed,
    plan,
    steps,
)


def empty(**changes: Any) -> Plan:
    return plan(
        **{
            "containers": (),
            "images": {},
            "releases": (),
            "head": "",
            "generation": "",
            "folders": {},
            **changes,
        }
    )


def test_a_first_deploy_makes_prepares_starts_and_rolls_everything_in_order() -> None:
    made = empty()
    assert steps(made) == [
        ("bootstrap /opt/app", "9 of its folders are missing"),
        FETCH,
        ("certificate self-made", "none yet; ssl.issue replaces it by a real one"),
        ("pull db:1", "not on the server"),
        ("pull proxy:1", "not on the server"),
        ("build api-1", f"{target().images['api-1'].reference} not on the server"),
        ("build web", f"{target().images['web'].reference} not on the server"),
        TEST_PROXY,
        ("smoke api-1", "a new image starts once, apart"),
        ("up db", "not there yet"),
        ("migrate api-1", "if the database's revision is not the new image's"),
        ("checkout 00000000", "was empty"),
        ("roll api-1", "not there yet"),
        ("roll api-2", "not there yet"),
        ("roll web", "not there yet"),
        ("roll proxy", "not there yet"),
    ]
    assert (made.since, made.untouched, made.refusals) == ("", (), ())


@pytest.mark.parametrize("name", ["fullchain.pem", "privkey.pem"])
def test_an_empty_certificate_or_key_is_none(name: str) -> None:
    """A full disk may have left one; nginx would refuse every later configuration."""
    left = {f"{ROOT}/certs/{name}": Folder("ubuntu", 0o600, "regular empty file")}
    made = plan(folders={**facts().folders, **left})
    assert "certificate self-made" in [step.title for step in made.steps]


def test_every_step_that_can_fail_without_harm_comes_before_every_step_that_cannot() -> None:
    kinds = [step.kind for step in empty().steps]
    harmless = [kind in PREPARING for kind in kinds]
    assert harmless == sorted(harmless, reverse=True)


def test_preparing_goes_in_order_but_for_the_hold() -> None:
    made = replace(empty(), steps=tuple(Step(kind, "x", "") for kind in Kind))
    titles = [[[one.kind.value for one in row] for row in group] for group in made.preparing]
    assert titles == [
        [["bootstrap", "fetch", "certificate", "trust"]],
        [["hold"], ["pull", "build"]],
        [["test-proxy", "review", "smoke", "backup"]],
    ]
    without = tuple(step for step in made.steps if step.kind is not Kind.HOLD)
    assert replace(made, steps=without).preparing[1] == [without[4:6]]


def test_only_missing_folders_are_made() -> None:
    there = folders(*(f"{ROOT}/{name}" for name in FOLDERS if name != "proxy"))
    assert steps(empty(folders=there))[0] == ("bootstrap /opt/app", "2 of its folders are missing")


def test_a_new_service_is_started_before_those_that_change() -> None:
    new = service("worker")
    stack = replace(STACK, services=(*STACK.services[:-1], new, STACK.services[-1]))
    tree = changed("services/api/app.py")
    rolls = [step.subject for step in plan(tree, stack).steps if step.kind is Kind.ROLL]
    assert rolls == ["worker", "api-1", "api-2"]


def test_a_new_service_waits_for_a_change_that_it_depends_on() -> None:
    new = service("worker", depends_on=("api-1",))
    stack = replace(STACK, services=(*STACK.services[:-1], new, STACK.services[-1]))
    tree = changed("services/api/app.py")
    rolls = [step.subject for step in plan(tree, stack).steps if step.kind is Kind.ROLL]
    assert rolls == ["api-1", "api-2", "worker"]


# --- trust in the called server


def calling(seen: Facts, certificate: str) -> Plan:
    server = replace(SERVER, calls="montreal")
    return decide(server, target(), seen, commit(OLD), Wish(), called_certificate=certificate)


def trusting(certificate: str) -> Facts:
    known = {**facts().folders, **folders(f"{ROOT}/certs/trust/ca-bundle.pem")}
    return facts(folders=known, trust=certificate)


def test_the_certificate_of_the_called_server_is_trusted_when_it_is_new() -> None:
    assert steps(calling(trusting("OLD"), "NEW"))[-1] == (
        "trust montreal",
        "the certificate of montreal is new here",
    )
    assert calling(trusting("SAME\n"), "SAME").steps == ()


def test_a_called_server_without_a_certificate_leaves_the_system_authorities() -> None:
    assert steps(calling(facts(), ""))[-1] == (
        "trust montreal",
        "system authorities only: montreal has no certificate yet",
    )


def test_a_server_that_calls_nobody_trusts_nobody() -> None:
    assert plan(to=OLD).steps == ()
