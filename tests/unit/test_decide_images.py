"""What passed: that an image is there tells that it was built, not that it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from fabfile.model.deploy.content import passed_name
from fabfile.model.deploy.plan import Plan, Wish
from fabfile.model.stack import Stack

from .builders import STACK, image_ids, release, target
from .planning import changed, plan, steps, titles, with_service

WANTED = changed("services/api/app.py")
API = target(STACK, WANTED).images["api-1"]
TRIED = STACK.service("api-1").hints.smoke
AGAIN = ("smoke api-1", "an image that has not passed starts once, apart")


def found(
    stack: Stack = STACK, wish: Wish | None = None, passed: Mapping[str, str] | None = None
) -> Plan:
    """The plan where the image of a changed service is there already, under these names too."""
    images = {**image_ids(target()), API.reference: "sha256:new", **(passed or {})}
    return plan(WANTED, stack, wish, images=images)


def smoked(made: Plan) -> list[str]:
    return [title for title in titles(made) if title.startswith(("build", "smoke"))]


def test_an_image_that_is_there_but_never_passed_is_tried_again_before_it_runs() -> None:
    assert AGAIN in steps(found())
    assert smoked(found()) == ["smoke api-1"]


def test_an_image_that_passed_once_is_tried_no_more() -> None:
    assert smoked(found(passed={passed_name(API, TRIED): "sha256:new"})) == []


def test_another_image_that_passed_under_this_name_tells_nothing_of_this_one() -> None:
    assert smoked(found(passed={passed_name(API, TRIED): "sha256:other"})) == ["smoke api-1"]


def test_an_image_that_passed_other_words_is_tried_by_these() -> None:
    assert smoked(found(passed={passed_name(API, ("true",)): "sha256:new"})) == ["smoke api-1"]


@pytest.mark.parametrize(("outcome", "tried"), [("verified", []), ("failed", ["smoke api-1"])])
def test_an_image_of_a_release_that_passed_has_passed(outcome: str, tried: list[str]) -> None:
    """It was deployed before anybody wrote down what passes."""
    earlier = release("r0")
    new = replace(earlier.images["api-1"], id="sha256:new")
    earlier = replace(earlier, outcome=outcome, images={**earlier.images, "api-1": new})
    images = {**image_ids(target()), API.reference: "sha256:new"}
    assert smoked(plan(WANTED, images=images, releases=(earlier, release()))) == tried


def test_a_rebuilt_image_is_tried_whatever_its_name_passed_before() -> None:
    made = found(wish=Wish(rebuild=True), passed={passed_name(API, TRIED): "sha256:new"})
    assert "smoke api-1" in smoked(made)


def test_replicas_of_one_image_with_words_of_their_own_are_each_tried() -> None:
    assert smoked(found(words("api-2", ("other",)))) == ["smoke api-1", "smoke api-2"]


def test_a_replica_that_has_no_words_does_not_take_the_other_ones_away() -> None:
    assert smoked(found(words("api-1", ()))) == ["smoke api-2"]


def words(name: str, smoke: tuple[str, ...]) -> Stack:
    return with_service(name, hints=replace(STACK.service(name).hints, smoke=smoke))


@pytest.mark.parametrize(
    ("probe", "wish", "tried"),
    [
        (True, Wish(keep_schema=True), []),
        (True, Wish(), ["smoke api-1"]),
        (False, Wish(keep_schema=True), ["smoke api-1"]),
    ],
)
def test_an_image_whose_replicas_start_beside_is_tried_apart_only_before_a_migration(
    probe: bool, wish: Wish, tried: list[str]
) -> None:
    """Else the deep probe of the new ones tells that it starts, before anybody asks them."""
    hints = STACK.service("api-1").hints
    hints = replace(hints, probe=hints.probe if probe else None)
    stack = STACK
    for name in ("api-1", "api-2"):
        services = tuple(
            replace(one, beside=True, hints=hints) if one.name == name else one
            for one in stack.services
        )
        stack = replace(stack, services=services)
    assert smoked(found(stack, wish)) == tried
