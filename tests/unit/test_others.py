"""Data of other projects beside which a database would start empty."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fabfile.model.deploy.others import FOLDER, data_beside, same_name
from fabfile.model.facts import Container, Facts, Folder
from fabfile.model.hints import Database, Hints
from fabfile.model.stack import Mount

from .builders import (
    CHECKOUT,
    PROJECT,
    ROOT,
    SERVER,
    STACK,
    container,
    facts,
    labels_of,
    service,
)

DATABASE = service(
    "db",
    image="postgres:16",
    mounts=(Mount("volume", "app_db", "/data"), Mount("bind", "/etc/zone", "/zone", True)),
    hints=Hints(keep=True, database=Database("USER", "NAME")),
)
WITH = replace(STACK, services=(DATABASE, *STACK.services[1:]))
IMAGES = {"postgres:14-alpine": "sha256:pg", "redis:7": "sha256:redis"}


def theirs(name: str, image: str = "sha256:x", data: tuple[str, ...] = ("theirs_pg",)) -> Container:
    """A container of another project, of the service ``name``."""
    other = service(name, container=f"theirs-{name}")
    return container(other, image, labels=labels_of("theirs", name), data=data, state="exited")


def first(*containers: Container, **changes: object) -> Facts:
    """A server without a release and without a folder of ours."""
    plain = {"releases": (), "folders": {}, "images": IMAGES}
    return facts(containers=containers, **{**plain, **changes})


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (theirs("db"), "theirs-db of project theirs has data in theirs_pg"),
        (theirs("pg", "sha256:pg"), "theirs-pg of project theirs has data in theirs_pg"),
        (
            replace(theirs("pg", "sha256:pg", ("/srv/pg", "v")), labels={}),
            "theirs-pg of no compose project has data in /srv/pg, v",
        ),
    ],
)
def test_what_may_be_the_data_that_is_meant_is_told(found: Container, told: str) -> None:
    assert data_beside(WITH, first(found)) == [told]


def test_a_volume_of_others_that_nothing_mounts_is_told() -> None:
    volumes = {"theirs_pg": "theirs", "shop": "shop", "0a1b": "", f"{PROJECT}_cache": PROJECT}
    assert data_beside(WITH, first(theirs("web", data=("shop",)), volumes=volumes)) == [
        "volume theirs_pg of project theirs is mounted nowhere"
    ]


@pytest.mark.parametrize(
    "seen",
    [
        first(),
        first(theirs("cache", "sha256:redis")),
        first(theirs("db", data=())),
        first(theirs("db"), releases=facts().releases),
        first(theirs("db"), container(DATABASE, "sha256:pg")),
        # Somebody has taken the data over, or an earlier first deploy has made a place for it.
        first(theirs("db"), volumes={"app_db": PROJECT}),
        first(theirs("db"), folders={f"{ROOT}/data/db": Folder("root", 0o700, "directory")}),
    ],
)
def test_a_database_that_has_its_data_starts_beside_anything(seen: Facts) -> None:
    assert data_beside(WITH, seen) == []


def test_a_stack_without_a_database_starts_none() -> None:
    assert data_beside(STACK, first(theirs("db"))) == []


def test_a_stack_of_the_same_name_from_another_folder_is_not_taken_for_ours() -> None:
    def found(folder: str, **changes: Any) -> list[str]:
        labels = {**labels_of(PROJECT, "web"), FOLDER: folder}
        there = container(service("web"), "x", labels=labels)
        return same_name(SERVER, STACK, facts(containers=(there,), **changes))

    told = (
        "a stack app runs here already, from /srv/other/app, and would be replaced: give this one"
        " another name (name: in its compose file), or take that one down first"
    )
    assert found("/srv/other/app", releases=()) == [told]
    assert found(f"{CHECKOUT}/compose", releases=()) == []
    assert found("/srv/other/app") == []  # it was deployed here, from where it stood before
