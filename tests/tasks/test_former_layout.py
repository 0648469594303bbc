"""A stack that wrote its replicas as a service each comes over by one deploy, and goes back."""

from __future__ import annotations

import json

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
    assert services(coming) == {**NOW, "app-api-1": "api-1", "app-api-2": "api-2"}


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
    assert services(coming) == {**NOW, "app-api-1": "api-1", "app-api-2": "api-2"}


def test_a_rollback_leads_to_the_former_layout_and_a_deploy_over_again(coming: Fleet) -> None:
    assert coming.fab("ubuntu.deploy").code == 0
    ran = coming.fab("ubuntu.rollback")
    assert ran.code == 0, ran.everything
    assert services(coming) == {**NOW, "app-api-1": "api-1", "app-api-2": "api-2"}
    ran = coming.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert services(coming) == NOW
