"""The hold: loaded while images are built, and undone where it comes to nothing."""

from __future__ import annotations

from threading import Barrier

import pytest

from .fakes.engine import Ended
from .fakes.fleet import Fleet


@pytest.fixture
def changed(running: Fleet) -> Fleet:
    """A commit of a service with replicas waits to be deployed."""
    running.origin.commit("Second", {"services/api/app.py": "x\n"})
    running.forget()
    return running


def names(fleet: Fleet) -> list[str]:
    """The services whose replicas the proxy names one by one."""
    assert fleet.ubuntu.proxy
    return sorted(fleet.ubuntu.proxy.pinned)


def test_a_hold_is_made_while_images_are_and_ends_with_the_deploy(changed: Fleet) -> None:
    met = Barrier(2, timeout=60)
    for pattern in ("hold-proxy", "compose build api"):
        changed.ubuntu.fail(pattern, goes_on=True, times=1, first=met.wait)
    assert changed.fab("ubuntu.deploy").code == 0
    assert names(changed) == []
    steps = [one.title for one in changed.releases("ubuntu")[-1].steps]
    assert steps.index("hold api") + 1 == steps.index("build api")


def test_where_both_fail_the_record_tells_both(changed: Fleet) -> None:
    changed.ubuntu.fail("hold-proxy", ended=Ended(70, err="nginx does not load"))
    changed.ubuntu.fail("compose build api", ended=Ended(1, err="no"))
    ran = changed.fab("ubuntu.deploy")
    assert ran.code == 1
    record = changed.releases("ubuntu")[-1]
    assert record.error.startswith("hold api: ")
    failed = [one.title for one in record.steps if one.outcome != "done"]
    assert failed == ["hold api", "build api"]
    assert "error: ubuntu: the build of api failed" in ran.everything


@pytest.mark.parametrize("step", ["compose build api", "docker run app/api try import"])
def test_where_preparing_fails_the_proxy_names_the_services_again(
    changed: Fleet, step: str
) -> None:
    changed.ubuntu.fail(step, ended=Ended(1, err="no"))
    ran = changed.fab("ubuntu.deploy")
    assert ran.code == 1
    assert ran.error.endswith("; the running system was not touched")
    assert names(changed) == []
    assert [one.outcome for one in changed.releases("ubuntu")][-1] == "failed"
    assert changed.ubuntu.head.startswith("00000001")


def test_where_another_server_cannot_be_prepared_the_hold_ends_too(changed: Fleet) -> None:
    changed.origin.commit("Third", {"services/worker/app.py": "x\n"})
    changed.montreal.fail("compose build worker", ended=Ended(1, err="no"))
    assert changed.fab("deploy").code == 1
    assert "hold-proxy 2 api" in changed.ubuntu.did
    assert names(changed) == []


def test_a_hold_that_cannot_be_undone_is_told_and_ended_by_the_next_command(
    changed: Fleet,
) -> None:
    changed.ubuntu.fail("compose build api", ended=Ended(1, err="no"), times=1)
    changed.ubuntu.fail("retire", ended=Ended(70, err="nginx does not load"), times=1)
    ran = changed.fab("ubuntu.deploy")
    assert ran.code == 1
    told = "nginx does not load; the proxy names the replicas that run until the next deploy"
    assert f"[ubuntu] warning: ubuntu: {told}" in ran.everything
    assert names(changed) == ["api"]
    assert changed.fab("ubuntu.deploy").code == 0
    assert names(changed) == []


def test_a_run_that_died_after_its_hold_is_told_by_status_and_ended_by_the_next(
    changed: Fleet,
) -> None:
    changed.ubuntu.kill_the_operator_at("docker run app/api try import")
    assert changed.fab("ubuntu.deploy").code == -9
    assert names(changed) == ["api"]
    pending = changed.fab("ubuntu.status --json").json["ubuntu"]["pending"]
    assert any(one.startswith("retire api") for one in pending)
    assert changed.fab("ubuntu.deploy").code == 0
    assert names(changed) == []
