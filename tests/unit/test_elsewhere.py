"""What another machine needs to build an image, and what of it a server lacks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from fabfile.model.deploy.content import LABEL
from fabfile.model.deploy.elsewhere import (
    Engine,
    Saved,
    objections,
    paths_of,
    read_image,
    read_saved,
    stack_of_one,
    why_not,
)
from fabfile.model.deploy.plan import Kind, Step, Target
from fabfile.model.stack import Build

from .builders import CHECKOUT, SERVER, target

AWAY = replace(SERVER, builder="montreal")
TREE = PurePosixPath("/scratch/tree")
API = f"{CHECKOUT}/services/api"
ENGINE = Engine(
    "linux/amd64", "", (), True, PurePosixPath("/c"), "2.40", frozenset(), False, frozenset()
)
STEP = Step(Kind.BUILD, "web", "not there")


def built(**how: object) -> Target:
    """The target, where the web service is built in this way."""
    plain = target()
    build = Build(**{"context": API, "dockerfile": f"{API}/Dockerfile", **how})  # type: ignore[arg-type]
    images = {**plain.images, "web": replace(plain.images["web"], build=build)}
    return replace(plain, images=images)


def paths(**how: object) -> list[str]:
    wanted = built(**how)
    build = wanted.images["web"].build
    assert build
    tree = {
        **wanted.tree,
        "docker/web": ("100644", "d"),
        "docker/web.dockerignore": ("100644", "i"),
    }
    return paths_of(build, replace(wanted, tree=tree), CHECKOUT)


def test_a_build_takes_its_contexts_and_its_dockerfile_along_and_no_more() -> None:
    assert paths() == ["services/api"]
    assert paths(dockerfile="") == ["services/api"]
    outside = f"{CHECKOUT}/docker/web"
    assert paths(dockerfile=outside) == ["docker/web", "docker/web.dockerignore", "services/api"]
    more = (("shared", f"{CHECKOUT}/nginx"), ("base", "docker-image://alpine"))
    assert paths(contexts=more) == ["nginx", "services/api"]
    assert paths(contexts=(("all", f"{CHECKOUT}"),)) == ["."]


@pytest.mark.parametrize(
    ("how", "needs"),
    [
        ({"rest": json.dumps({"secrets": [{"source": "token"}]})}, "secrets"),
        ({"rest": json.dumps({"ssh": ["default"]})}, "ssh"),
        ({"contexts": (("base", "service:api-1"),)}, "the context 'base' of service:api-1"),
    ],
)
def test_what_the_server_alone_has_is_refused_by_name(how: dict[str, object], needs: str) -> None:
    assert objections(AWAY, built(**how), [STEP]) == [
        (
            f"web cannot be built on montreal: its build has {needs}, which stays on the server:"
            " builder = server"
        )
    ]
    assert objections(SERVER, built(**how), [STEP]) == []
    assert objections(AWAY, built(**how), [replace(STEP, kind=Kind.PULL)]) == []


def test_what_any_machine_has_is_no_objection() -> None:
    more = (("shared", f"{CHECKOUT}/nginx"), ("base", "docker-image://alpine"))
    assert objections(AWAY, built(contexts=more, rest='{"network": "host"}'), [STEP]) == []


def test_the_builder_gets_one_image_and_its_build() -> None:
    service = {
        "image": "app/web:current",
        "build": {"context": f"{CHECKOUT}/services/web", "args": {"A": "1"}},
        "environment": {"TOKEN": "secret"},
        "volumes": [],
    }
    wanted = replace(target(), resolved=json.dumps({"name": "app", "services": {"web": service}}))
    reference = wanted.images["web"].reference
    build = {
        "context": "/scratch/tree/services/web",
        "args": {"A": "1"},
        "labels": {LABEL: reference.rpartition(":")[2]},
    }
    for platform, more in (("", {}), ("linux/arm64", {"platform": "linux/arm64"})):
        assert json.loads(stack_of_one(wanted, "web", CHECKOUT, TREE, platform)) == {
            "name": "app",
            "services": {"web": {"image": reference, "build": build, **more}},
        }


def test_only_layers_with_the_same_ones_below_are_there() -> None:
    saved = Saved("config", ("one", "two", "three", "two"))
    digests = ("a", "b", "c", "b")
    known = {("a",), ("a", "b"), ("c",)}
    assert saved.lacking(digests, known) == ["three", "two"]
    assert saved.parts(["two", "three", "two"]) == ["manifest.json", "config", "two", "three"]
    assert saved.lacking(digests, frozenset()) == ["one", "two", "three", "two"]


@pytest.mark.parametrize("text", ["{}", "[]", "[1]", '[{"Config": "c"}]', "no JSON", "[{}, {}]"])
def test_a_list_of_another_kind_is_no_image(text: str) -> None:
    with pytest.raises(ValueError, match="not the list of one image"):
        read_saved(text)


def test_an_image_without_layers_is_one() -> None:
    text = json.dumps({"Id": "sha256:1", "Os": "linux", "Architecture": "arm64"})
    found = read_image(f"a warning\n{text}\n")
    assert found
    assert (found.id, found.platform, found.digests) == ("sha256:1", "linux/arm64", ())


@pytest.mark.parametrize(
    ("there", "why"),
    [
        ({}, ""),
        ({"missing": ("tar", "timeout")}, "tar, timeout is missing there"),
        ({"platform": ""}, "no Docker engine answers there (it says nothing)"),
        (
            {"compose": ""},
            "docker compose is missing there, or older than 2.20: install its plugin",
        ),
        ({"platform": "linux/arm64", "platforms": frozenset({"linux/amd64"})}, ""),
        (
            {"platform": "linux/arm64"},
            (
                "it is linux/arm64 and the server is linux/amd64: install its buildx and an"
                " emulator, or let the server build: builder = server"
            ),
        ),
    ],
)
def test_why_a_machine_cannot_build(there: dict[str, object], why: str) -> None:
    assert why_not("local", replace(ENGINE, **there), ENGINE) == why  # type: ignore[arg-type]
