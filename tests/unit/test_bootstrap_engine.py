"""Whose packages bring the engine: never those of two on one host."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fabfile.model.access.engine import DOCKER, FINGERPRINT
from fabfile.model.access.setup import Setup
from tests.unit.builders import SERVER
from tests.unit.test_bootstrap import WHOLE, decided, only

DOCKERS = replace(SERVER, engine="docker")
BARE: dict[str, Any] = {
    "there": WHOLE.there - {"docker"},
    "packages": frozenset(),
    "compose": "",
    "engine": "26",
}
THEIRS: dict[str, Any] = {"packages": frozenset(DOCKER), "docker_apt": True}


@pytest.mark.parametrize(
    ("system", "there", "packages"),
    [
        ("debian 13", "", "docker.io docker-cli docker-compose"),
        ("ubuntu 22.04", "", "docker.io docker-compose-v2"),
        ("ubuntu 24.04", "", "docker.io docker-compose-v2"),
        ("ubuntu 24.04", "docker", "docker-compose-v2"),
    ],
)
def test_the_engine_comes_from_the_distribution(system: str, there: str, packages: str) -> None:
    found = BARE["there"] | {there} - {""}
    setup = decided(**{**BARE, "system": system, "there": found})
    assert only(setup)[2] == tuple(packages.split())


@pytest.mark.parametrize("system", ["debian 12", "debian 13", "ubuntu 22.04", "ubuntu 24.04"])
def test_or_from_dockers_own_repository_which_is_set_up_before(system: str) -> None:
    setup = decided(DOCKERS, **{**BARE, "system": system})
    assert [(step.name, step.words) for step in setup.steps] == [
        ("docker-repository", (FINGERPRINT,)),
        ("packages", DOCKER),
    ]
    assert (setup.notes, setup.refusals) == ((), ())
    assert only(decided(DOCKERS, **{**BARE, "docker_apt": True}))[2] == DOCKER


@pytest.mark.parametrize("server", [SERVER, DOCKERS])
def test_an_engine_of_dockers_stays_and_gets_what_it_lacks_of_the_same(server: Any) -> None:
    assert decided(server, **THEIRS) == Setup((), (), ())
    lacking = {**THEIRS, "packages": frozenset(DOCKER[:-1]), "compose": ""}
    assert only(decided(server, **lacking))[2] == ("docker-compose-plugin",)
    assert only(decided(server, **THEIRS, compose="2.19.0"))[2] == ("docker-compose-plugin",)


def test_an_engine_of_the_distribution_stays_and_that_is_told() -> None:
    setup = decided(DOCKERS)
    assert (setup.steps, setup.refusals) == ((), ())
    (note,) = setup.notes
    assert note == (
        "engine = docker, and another engine is installed; it stays, since two cannot stand on one"
        " host"
    )


def test_its_packages_are_not_mixed_with_those_of_docker() -> None:
    packages = {"docker.io", "runc", "docker-doc"}
    (refusal,) = decided(DOCKERS, compose="1.29.2", packages=frozenset(packages)).refusals
    assert refusal == (
        "compose is missing or too old, and packages of debian 13 stand in the way of Docker's own;"
        " remove them, and run this again: apt-get remove docker.io runc"
    )
    (refusal,) = decided(DOCKERS, compose="", packages=frozenset()).refusals
    assert refusal == (
        "compose is missing or too old, and a docker that came in no package stands in the way of"
        " Docker's own; remove it, and run this again"
    )


def test_a_system_without_a_package_of_compose_is_refused_with_what_is_needed() -> None:
    (refusal,) = decided(system="debian 12", compose="1.29.2").refusals
    assert refusal == (
        "debian 12 has no package of compose 2.20 or newer: set engine = docker, for the packages"
        " of Docker's own repository"
    )
    assert decided(system="debian 12").refusals == ()
