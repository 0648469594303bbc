"""A stack that wrote its replicas as a service each comes over by one deploy, and goes back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .fakes.application import API, UBUNTU
from .fakes.fleet import Fleet


def former() -> dict[str, str | None]:
    """The sample stack with two services of one image in place of two replicas."""
    model = json.loads(json.dumps(UBUNTU))
    api = model["services"].pop("api")
    del api["deploy"], model["x-deploy"]["api"]
    for name in ("api-1", "api-2"):
        model["services"][name] = {**api, "container_name": f"app-{name}"}
        model["x-deploy"][name] = API
    depends = model["services"]["proxy"]["depends_on"]
    depends |= dict.fromkeys(("api-1", "api-2"), depends["api"])
    del depends["api"]
    return {
        "compose/ubuntu.yml": json.dumps(model),
        "nginx/ubuntu/nginx.conf": "upstreams api-1 api-2 web\n",
    }


COMES = {"compose/ubuntu.yml": json.dumps(UBUNTU), "nginx/ubuntu/nginx.conf": "upstreams api web\n"}
ONE = {"app-db", "app-api-1", "app-api-2", "app-web", "app-proxy"}


@pytest.fixture
def coming(fleet: Fleet) -> Fleet:
    """A server of the former layout, for which the new one waits."""
    fleet.origin.commit("Former", former())
    assert fleet.fab("deploy").code == 0
    assert set(fleet.ubuntu.engine.containers) == ONE
    fleet.forget()
    fleet.origin.commit("Replicas", dict(COMES))
    return fleet


def services(fleet: Fleet) -> dict[str, str]:
    """The service of each container, by its name."""
    return {name: one.service for name, one in fleet.ubuntu.engine.containers.items()}


NOW = {
    "app-db": "db",
    "app-api-1": "api",
    "app-api-2": "api",
    "app-web": "web",
    "app-proxy": "proxy",
}
BEFORE = {**NOW, "app-api-1": "api-1", "app-api-2": "api-2"}


def test_it_comes_over_by_one_deploy_and_nothing_is_left(coming: Fleet) -> None:
    ran = coming.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert services(coming) == NOW
    with coming.untouched():
        assert coming.fab("ubuntu.deploy").code == 0


STEPS = ["checkout", "start-beside", "switch-proxy", "watch", "start-proxy"]


@pytest.mark.parametrize("step", STEPS)
def test_a_failure_on_the_way_goes_back_to_the_former_layout(coming: Fleet, step: str) -> None:
    if step == "watch":
        coming.origin.commit("Broken", {"services/web/index.html": "Farewell"})
    else:
        coming.ubuntu.fail(f"^{step}", times=1)
    ran = coming.fab("ubuntu.deploy")
    assert ran.code == 1, ran.everything
    assert ran.error.endswith("; ubuntu is back at 00000002, proved")
    assert services(coming) == BEFORE


@pytest.mark.parametrize("step", [*STEPS, "retire"])
def test_a_run_that_died_on_the_way_is_gone_on_with(coming: Fleet, step: str) -> None:
    coming.ubuntu.kill_the_operator_at(f"^{step}")
    assert coming.fab("ubuntu.deploy").code == -9
    ran = coming.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert services(coming) == NOW
    with coming.untouched():
        assert coming.fab("ubuntu.deploy").code == 0


@pytest.mark.parametrize("step", [*STEPS, "retire"])
def test_a_run_that_died_on_the_way_is_recovered(coming: Fleet, step: str) -> None:
    coming.ubuntu.kill_the_operator_at(f"^{step}")
    assert coming.fab("ubuntu.deploy").code == -9
    ran = coming.fab("ubuntu.recover")
    assert ran.code == 0, ran.everything
    assert services(coming) == BEFORE


def test_it_comes_over_by_one_switch_and_nobody_is_replaced_in_place(coming: Fleet) -> None:
    plan = coming.fab("ubuntu.plan --json").json[0]
    assert kinds(plan) == [
        "fetch",
        "test-proxy",
        "migrate",
        "checkout",
        "start",
        "switch",
        "retire",
        "roll",
    ]
    assert [note for note in plan["notes"] if "in place" in note] == []


@pytest.fixture
def over(coming: Fleet) -> Fleet:
    """A server that has come over."""
    assert coming.fab("ubuntu.deploy").code == 0
    coming.forget()
    return coming


def kinds(plan: dict[str, Any]) -> list[str]:
    return [step["kind"] for step in plan["steps"]]


def settled(fleet: Fleet) -> None:
    """Who is there is called as before, and a deploy to the new layout ends with that alone."""
    ran = fleet.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert services(fleet) == NOW
    with fleet.untouched():
        assert fleet.fab("ubuntu.deploy").code == 0


def test_a_rollback_starts_the_former_services_beside_and_switches_once(over: Fleet) -> None:
    ran = over.fab("ubuntu.rollback")
    assert ran.code == 0, ran.everything
    assert services(over) == BEFORE
    assert over.ubuntu.proxy is not None
    assert over.ubuntu.proxy.pinned == {}
    changing = ("checkout", "start", "switch", "hold", "load", "compose up", "retire", "remove ")
    assert [line for line in over.ubuntu.did if line.startswith(changing)] == [
        "checkout 00000002",
        "start-beside api-1 api-2",
        "switch-proxy 1 api-1, 1 api-2",
        "retire app-api-1 app-api-2",
        "start-proxy proxy",
    ]
    settled(over)


BACK = ["checkout", "start-beside", "switch-proxy", "watch", "retire", "start-proxy"]


@pytest.mark.parametrize("step", BACK)
def test_a_rollback_that_fails_goes_back_to_the_replicas(over: Fleet, step: str) -> None:
    if step == "watch":
        dying = lambda: over.ubuntu.engine.die("api-1")  # noqa: E731
        over.ubuntu.fail("^watch", goes_on=True, times=1, first=dying)
    else:
        over.ubuntu.fail(f"^{step}", times=1)
    ran = over.fab("ubuntu.rollback")
    assert ran.code == 1, ran.everything
    assert services(over) == NOW
    with over.untouched():
        assert over.fab("ubuntu.deploy").code == 0


@pytest.mark.parametrize("step", BACK)
def test_a_rollback_that_died_is_recovered(over: Fleet, step: str) -> None:
    over.ubuntu.kill_the_operator_at(f"^{step}")
    assert over.fab("ubuntu.rollback").code == -9
    ran = over.fab("ubuntu.recover")
    assert ran.code == 0, ran.everything
    assert services(over) == NOW
    settled(over)


@pytest.mark.parametrize("step", BACK)
def test_after_a_rollback_that_died_a_deploy_leads_to_the_replicas(over: Fleet, step: str) -> None:
    over.ubuntu.kill_the_operator_at(f"^{step}")
    assert over.fab("ubuntu.rollback").code == -9
    settled(over)


@pytest.mark.parametrize("step", BACK)
def test_after_a_rollback_that_died_another_one_leads_on(over: Fleet, step: str) -> None:
    first = over.releases("ubuntu")[0]
    over.ubuntu.kill_the_operator_at(f"^{step}")
    assert over.fab("ubuntu.rollback").code == -9
    ran = over.fab(f"ubuntu.rollback --to {first.id}")
    assert ran.code == 0, ran.everything
    assert services(over) == BEFORE
    settled(over)


def test_a_release_of_the_former_layout_after_another_is_replaced_in_place(coming: Fleet) -> None:
    """One container after the other; the plan says what that costs."""
    page = {"services/api/app.py": "api, second version\n"}
    coming.origin.commit("Former still", {**former(), **page})
    plan = coming.fab("ubuntu.plan --json").json[0]
    assert [step["subject"] for step in plan["steps"] if step["kind"] == "roll"] == [
        "api-1",
        "api-2",
    ]
    assert plan["notes"] == [
        f"{name} is replaced in place: what is under way there is cut, and it answers nobody until"
        " the new one is healthy"
        for name in ("api-1", "api-2")
    ]
    ran = coming.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert services(coming) == BEFORE
    loads = [one for one in coming.ubuntu.did if one.startswith(("compose up", "load-proxy"))]
    assert loads == [
        "compose up api-1", "load-proxy app-proxy api-1",
        "compose up api-2", "load-proxy app-proxy api-2",
    ]  # fmt: skip
