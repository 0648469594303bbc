"""Restart: the same images anew, by the steps of a deploy and with its proof."""

from __future__ import annotations

from .fakes.fleet import Fleet


def ids(fleet: Fleet) -> dict[str, str]:
    """Name → id of every container of ubuntu."""
    return {name: one.id for name, one in fleet.ubuntu.engine.containers.items()}


def test_every_service_but_data_and_the_proxy_is_replaced_by_the_same_images(
    running: Fleet,
) -> None:
    before, images = ids(running), running.releases("ubuntu")[-1].images
    ran = running.fab("ubuntu.restart")
    assert ran.code == 0, ran.everything
    after = ids(running)
    assert {name for name in before if before[name] != after[name]} == {
        "app-api-1", "app-api-2", "app-web",
    }  # fmt: skip
    last = running.releases("ubuntu")[-1]
    assert (last.outcome, last.images) == ("verified", images)
    assert not [line for line in running.ubuntu.did if "build" in line or "pull" in line]


def test_a_data_service_is_restarted_when_it_is_named_and_the_plan_says_what_that_costs(
    running: Fleet,
) -> None:
    before = ids(running)
    ran = running.fab("ubuntu.restart --service db")
    assert ran.code == 0, ran.everything
    after = ids(running)
    assert {name for name in before if before[name] != after[name]} == {"app-db"}
    cost = "db is restarted: what is under way there is cut, and nobody is answered meanwhile"
    assert f"[ubuntu] warning: {cost}" in ran.lines


def test_a_service_that_is_not_there_is_refused(running: Fleet) -> None:
    with running.untouched():
        ran = running.fab("ubuntu.restart --service nobody")
    assert ran.code == 2
    assert ran.error.startswith("no service 'nobody' in the stack; services: db, api")


def test_where_nothing_was_deployed_there_is_nothing_to_restart(fleet: Fleet) -> None:
    ran = fleet.fab("ubuntu.restart")
    assert (ran.code, ran.error) == (
        2, "ubuntu: no release has passed yet; fab ubuntu.deploy makes the first",
    )  # fmt: skip


def test_one_that_does_not_come_up_again_leaves_the_former_replicas(running: Fleet) -> None:
    before = ids(running)
    running.ubuntu.fail("start-beside api", times=1)
    ran = running.fab("ubuntu.restart --service api")
    assert ran.code == 1, ran.everything
    assert ran.error.endswith("; ubuntu is back at 00000001, proved")
    assert ids(running) == before
