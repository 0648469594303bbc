"""No request fails, no POST is executed twice and no stream is cut, whatever a deploy replaces."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.lab.alone import alone
from tests.lab.commits import Edit, replaced
from tests.lab.deployments import Ran
from tests.lab.full import full
from tests.lab.load import SLOW, Load, loaded, resolver_loaded
from tests.lab.onlooking import followed
from tests.lab.scenes import APP, HEALTH, PAGE, PROXY, STACK, Scene, answers, ending, titled

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

# The proxy looks at the first three numbers of an address, so these follow different replicas.
FOLLOWERS = ("10.98.3.1", "10.98.4.1")
RESOLVER = "services/item-resolver/app/main.py"
NGINX = "nginx/montreal/upstreams.conf"


def everything() -> dict[str, Edit]:
    """The API, the page and the configuration of the proxy."""
    now = time.time_ns()
    return {
        APP: ending(f"LOADED = {now}"),
        PAGE: titled(f"under load {now}"),
        PROXY: answers(f"/under-load-{now}", "yes"),
    }


@alone
def test_no_request_fails_while_everything_but_the_data_is_replaced(patient: Scene) -> None:
    """And no event is lost or doubled, and no stream cut: it ends, and its client comes back."""
    scene = patient
    commit = scene.change("Everything but the data", everything())
    with (
        scene.only_replaces("core-api", "frontend"),
        followed(scene, FOLLOWERS) as onlooking,
        loaded(scene) as load,
    ):
        ran = scene.deploy(commit)
        assert ran.code == 0, ran
    assert load.lost == []
    assert onlooking.complete, onlooking
    assert onlooking.report["refused"] == 0
    followers = onlooking.report["followers"].values()
    assert [(seen["opened"] > 1, seen["cut"]) for seen in followers] == [(True, 0), (True, 0)]
    scene.plain_up_changes_nothing()


@pytest.fixture
def slow(patient: Scene) -> Scene:
    """What runs knows requests of 5 to 10 s, and so does the release before it."""
    scene = patient
    if "slowly" not in scene.by_hand(f"cat {APP}"):
        scene.deployed(scene.change("Slow requests", SLOW))
        scene.deployed(scene.change("To go back from", everything()))
    return scene


def deploy_of(*paths: str) -> Callable[[Scene], object]:
    def deploy(scene: Scene) -> None:
        edits = {path: edit for path, edit in everything().items() if path in paths}
        ran = scene.deploy(scene.change(f"Change {len(paths)}", edits))
        assert ran.code == 0, ran

    return deploy


SICK = {HEALTH: replaced('        return {"status": "healthy"', '        return {"status": "sick"')}


UNPROVED = {STACK: replaced("contains: Wish With Me, loads: [script, style]", "contains: Nowhere")}
"""All is well, and a gate asks for what is nowhere."""


def failing(scene: Scene, edits: Mapping[str, Edit] = SICK) -> None:
    """Healthy containers whose deep probe is red: the deploy goes back by itself."""
    ran = scene.deploy(scene.change("Not well", edits))
    assert ran.code == 1, ran


def taken_back(scene: Scene) -> None:
    """Everything is replaced and switched to, and then a gate is red."""
    with scene.comes_back():
        failing(scene, {**everything(), **UNPROVED})


def rollback(scene: Scene) -> Ran:
    ran = scene.operator.fab("ubuntu.rollback")
    assert ran.code == 0, ran
    return ran


@full
@alone
def test_no_request_fails_while_it_goes_back_to_the_release_before(patient: Scene) -> None:
    with loaded(patient) as load:
        ran = rollback(patient)
    assert "switch core-api, frontend" in ran.steps("ubuntu")
    assert load.lost == []


@full
@alone
def test_no_request_fails_while_a_deploy_fails_and_goes_back(scene: Scene, tmp_path: Path) -> None:
    hasty = scene.patient(tmp_path, settle=10)
    with loaded(hasty) as load:
        failing(hasty)
    assert load.lost == []


@full
@alone
def test_no_request_fails_while_the_former_replicas_get_the_requests_again(
    scene: Scene, tmp_path: Path
) -> None:
    hasty = scene.patient(tmp_path, settle=10)
    with loaded(hasty) as load:
        taken_back(hasty)
    assert load.lost == []


KINDS: dict[str, Callable[[Scene], object]] = {
    "the-api": deploy_of(APP),
    "the-page": deploy_of(PAGE),
    "the-proxys-configuration": deploy_of(PROXY),
    "all-of-them": deploy_of(APP, PAGE, PROXY),
    "a-failed-deploy": lambda scene: failing(scene, {**everything(), **SICK}),
    "a-failed-deploy-behind-the-switch": taken_back,
    "a-rollback": rollback,
}
SEEN: list[Load] = []


@full
@alone
@pytest.mark.parametrize("kind", KINDS)
def test_no_request_fails_with_some_that_take_ten_seconds(slow: Scene, kind: str) -> None:
    with followed(slow, FOLLOWERS) as onlooking, loaded(slow, slow=True) as load:
        KINDS[kind](slow)
    SEEN.append(load)
    assert load.lost == []
    assert onlooking.complete, onlooking
    assert [seen["cut"] for seen in onlooking.report["followers"].values()] == [0, 0]


@full
@alone
def test_no_request_to_the_resolver_fails_while_both_of_it_and_its_proxy_change(
    patient: Scene,
) -> None:
    scene, now = patient, time.time_ns()
    commit = scene.origin.commit(
        "Resolver", {RESOLVER: ending(f"LOADED = {now}"), NGINX: ending(f"# {now}")}, scene.runs
    )
    with resolver_loaded(scene) as load:
        ran = scene.operator.fab("montreal.deploy", "--ref", commit)
        assert ran.code == 0, ran
    SEEN.append(load)
    assert load.lost == []


@full
def test_more_than_ten_thousand_requests_were_asked() -> None:
    if len(SEEN) < len(KINDS) + 1:
        pytest.fail("the scenes above did not all come to their end")
    print(f"load: {sum(load.requests for load in SEEN)} requests in {len(SEEN)} scenes")
    assert sum(load.requests for load in SEEN) >= 10_000
