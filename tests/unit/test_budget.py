"""The budgets: what a plan takes of disk and memory is compared with what is free beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from fabfile.model.deploy.budget import (
    BUILDS,
    MINIMUM_FREE,
    REPLICA,
    SPARE,
    UNKNOWN,
    crowded,
    shortage,
)
from fabfile.model.deploy.plan import Kind, Step, Wish
from fabfile.model.deploy.replacing import Replacing
from fabfile.model.facts import Disk

from .builders import STACK, container, facts, target
from .planning import changed, plan, with_service

API = target().images["api-1"].reference
STEPS = (
    Step(Kind.PULL, "nginx:1.32", "not on the server"),
    Step(Kind.BUILD, "api-1", "not on the server"),
    Step(Kind.ROLL, "api-1", "new image"),
)
SIZES = {"nginx:1.31": 100 << 20, API.rpartition(":")[0] + ":old": 200 << 20, "other:1": 9 << 40}
NEEDED = (100 << 20) + BUILDS * (200 << 20)


def said(free: int, **more: object) -> list[str]:
    disk = Disk("/data", 50 << 30, free)
    return shortage("ubuntu", target(), facts(**{"storage": disk, "sizes": SIZES, **more}), STEPS)


def test_what_the_images_of_that_name_take_and_a_reserve_must_be_free() -> None:
    assert said(NEEDED + MINIMUM_FREE) == []
    (why,) = said(NEEDED + MINIMUM_FREE - 1)
    assert why == (
        "disk /data has 1.5 GiB free; nginx:1.32, api-1 will take about 0.5 GiB,"
        " and 1.0 GiB must stay: make room with fab ubuntu.prune"
    )


def test_an_image_that_is_named_by_a_digest_is_of_the_same_name() -> None:
    steps = (Step(Kind.PULL, "r:5000/nginx@sha256:d1", "not on the server"),)
    disk = Disk("/data", 50 << 30, MINIMUM_FREE + (100 << 20))
    seen = facts(storage=disk, sizes={"r:5000/nginx:1.31": 100 << 20, "nginx:1": 9 << 40})
    assert shortage("ubuntu", target(), seen, steps) == []


def test_an_image_that_was_never_here_is_taken_for_a_large_one() -> None:
    needed = (1 + BUILDS) * UNKNOWN
    assert said(needed + MINIMUM_FREE, sizes={}) == []
    assert said(needed + MINIMUM_FREE - 1, sizes={}) != []


def test_a_plan_without_new_images_needs_nothing() -> None:
    disk = Disk("/", 1, 0)
    assert shortage("ubuntu", target(), facts(storage=disk), STEPS[2:]) == []


MIB = 1 << 20
PLANS = (Replacing("web", ("a", "b"), starting=2, leaving=("a", "b")), Replacing("api-1"))


def squeezed(free: int | None, plans: Sequence[Replacing] = PLANS, **more: Any) -> list[str]:
    web = replace(STACK.service("web"), reserved=more.pop("reserved", 0))
    stack = with_service("web", reserved=web.reserved)
    there = tuple(container(web, "sha256:web", id=one) for one in "ab")
    return crowded(target(stack), facts(containers=there, memory=free, **more), plans)


@pytest.mark.parametrize(
    ("how", "each"),
    [
        ({"anonymous": {"a": 70 * MIB, "b": 90 * MIB, "other": 1 << 40}}, 90 * MIB),
        ({"anonymous": {"a": 70 * MIB, "b": 90 * MIB}, "reserved": 200 * MIB}, 200 * MIB),
        ({"anonymous": {"a": 300 * MIB}, "reserved": 200 * MIB}, 300 * MIB),
        ({}, REPLICA),
    ],
)
def test_a_new_replica_takes_what_the_largest_of_its_service_has_or_reserves(
    how: Mapping[str, Any], each: int
) -> None:
    needed = 2 * each + SPARE
    assert squeezed(needed, **how) == []
    (why,) = squeezed(needed - 1, **how)
    less = " a smaller reservation," if how.get("reserved") == each else ""
    assert why == (
        f"memory: 2 new of web take about {2 * each // MIB} MiB beside those that run,"
        f" {needed // MIB - 1} MiB are available, and 128 MiB must stay: more memory, fewer"
        f" replicas,{less} or x-deploy.web.update: {{order: stop-first}}, which has a gap;"
        " parallelism does not help"
    )


def test_all_that_start_run_at_once_and_each_service_is_told() -> None:
    both = (*PLANS[:1], Replacing("api-1", starting=1))
    assert squeezed(3 * REPLICA + SPARE, both) == []
    web, api = squeezed(3 * REPLICA + SPARE - 1, both)
    assert "2 new of web take about 256 MiB" in web
    assert "511 MiB are available for all that start" in web
    assert "fewer replicas, --only web, or" in web
    assert "1 new of api-1 take about 128 MiB" in api


def test_what_starts_nothing_and_what_cannot_be_known_is_not_refused() -> None:
    assert squeezed(0, (Replacing("web", ("a", "b"), kept=("a", "b")),)) == []
    assert squeezed(None) == []


def test_the_way_back_of_a_failure_is_tried_whatever_it_takes() -> None:
    stack = with_service("web", beside=True, replicas=2)
    tree = changed("services/web/index.html")
    assert len(plan(tree, stack, memory=0).refusals) == 1
    assert plan(tree, stack, Wish(needed=True), memory=0).refusals == ()
