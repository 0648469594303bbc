"""The disk budget: what a plan takes is compared with what is free before anything is fetched."""

from __future__ import annotations

from fabfile.model.deploy.budget import BUILDS, MINIMUM_FREE, UNKNOWN, shortage
from fabfile.model.deploy.plan import Kind, Step
from fabfile.model.facts import Disk

from .builders import facts, target

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
