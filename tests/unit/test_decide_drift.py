"""The decision where what runs is not what was deployed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fabfile.model.plan import Kind, Wish

from .builders import (
    OLD,
    PROJECT,
    container,
    facts,
    labels_of,
    service,
)
from .planning import (
    FETCH,
    changed,
    containers,
    plan,
    steps,
    titles,
)


@pytest.mark.parametrize(
    ("state", "reason", "force"),
    [
        ({"state": "exited"}, "container is exited", False),
        ({"state": "created"}, "container is created", False),
        ({"state": "paused"}, "container is paused", True),
        ({"state": "restarting"}, "container is restarting", True),
        ({"health": "unhealthy"}, "container is unhealthy", True),
        ({"labels": {}}, "not there yet", False),
        (None, "not there yet", False),
    ],
)
def test_a_container_that_does_not_serve_is_put_right(
    state: dict[str, Any] | None, reason: str, force: bool
) -> None:
    made = plan(to=OLD, **containers(web=state))
    (step,) = [step for step in made.steps if step.kind is Kind.ROLL]
    assert (step.subject, step.reason, step.force) == ("web", reason, force)


@pytest.mark.parametrize("health", ["healthy", "starting", ""])
def test_a_container_that_serves_or_is_about_to_stays(health: str) -> None:
    assert plan(to=OLD, **containers(web={"health": health})).steps == ()


def test_a_container_of_another_definition_of_the_same_release_was_made_by_hand() -> None:
    labels = labels_of(PROJECT, "web", "by hand")
    made = plan(to=OLD, **containers(web={"labels": labels}))
    assert steps(made)[-1] == ("roll web", "container was made by hand from another definition")


def test_a_container_that_runs_another_image_is_replaced() -> None:
    made = plan(to=OLD, **containers(web={"image": "sha256:another"}))
    assert titles(made) == ["fetch 00000000", "roll web"]


def test_a_stable_name_that_was_moved_by_hand_is_moved_back() -> None:
    images = {**facts().images, "app/web:current": "sha256:by-hand"}
    assert steps(plan(to=OLD, images=images)) == [
        FETCH,
        ("retag web", "the name in the compose file was moved by hand"),
    ]


def test_edited_files_are_shown_and_replaced() -> None:
    made = plan(to=OLD, edited=(" M compose/app.yml",))
    assert steps(made) == [FETCH, ("checkout 00000000", "files were edited on the server")]
    assert made.notes == ("edited on the server: M compose/app.yml",)


@pytest.mark.parametrize("line", [" M nginx/nginx.conf", ' M "nginx/caf\\303\\251.conf"'])
def test_edited_proxy_configuration_is_loaded_again(line: str) -> None:
    assert steps(plan(to=OLD, edited=(line,)))[-1] == (
        "reload proxy",
        "its configuration was edited on the server",
    )


def test_orphans_are_named_and_kept() -> None:
    orphan = container(service("old"), "sha256:x")
    made = plan(to=OLD, containers=(*facts().containers, orphan))
    assert made.steps == ()
    assert made.notes == (
        "orphan: app-old is of this project, but not in its stack; --remove-orphans",
    )


def test_orphans_are_removed_last_when_asked_for() -> None:
    orphan = container(service("old"), "sha256:x")
    seen = (*facts().containers, orphan)
    made = plan(changed("services/web/index.html"), wish=Wish(remove_orphans=True), containers=seen)
    assert steps(made)[-1] == ("remove app-old", "of this project, but no longer in its stack")
    assert made.notes == ()


def test_containers_of_others_are_no_orphans() -> None:
    theirs = container(service("old"), "sha256:x", labels=labels_of("other", "old"))
    made = plan(to=OLD, wish=Wish(remove_orphans=True), containers=(*facts().containers, theirs))
    assert (made.steps, made.notes) == ((), ())


def test_a_one_off_container_is_shown_and_never_removed() -> None:
    labels = {
        "com.docker.compose.project": PROJECT,
        "com.docker.compose.service": "api-1",
        "com.docker.compose.oneoff": "True",
    }
    shell = container(service("api-1-run-1f"), "sha256:x", labels=labels)
    made = plan(to=OLD, wish=Wish(remove_orphans=True), containers=(*facts().containers, shell))
    assert made.steps == ()
    assert made.notes == (
        "started by hand: app-api-1-run-1f is a one-off container of this project",
    )


def test_a_container_that_somebody_ran_from_an_image_of_ours_is_shown_and_no_service() -> None:
    """Images that compose built hand their labels of project and service on."""
    labels = {"com.docker.compose.project": PROJECT, "com.docker.compose.service": "api-1"}
    shell = container(service("a-shell"), "sha256:x", labels=labels)
    made = plan(to=OLD, wish=Wish(remove_orphans=True), containers=(shell, *facts().containers))
    assert made.steps == ()
    assert made.notes == ("started by hand: app-a-shell runs an image of this project",)


def test_an_orphan_that_holds_a_name_of_the_stack_refuses_the_plan() -> None:
    orphan = replace(container(service("old"), "sha256:x"), name="app-web")
    seen = (*containers(web=None)["containers"], orphan)
    (refusal,) = plan(containers=seen).refusals
    assert refusal == (
        "container name app-web is held by orphan old;"
        " give the renamed service a container name of its own"
    )


# --- what a run that died in the middle of a roll left


STOOD_IN = "stood in for web when a run died"


def standing_in() -> dict[str, Any]:
    """The usual containers, and the one that stands in for web."""
    labels = {
        "com.docker.compose.project": PROJECT,
        "com.docker.compose.service": "web",
        "com.docker.compose.oneoff": "True",
        "me.wishwith.stand-in": "web",
    }
    one = container(service("web"), "sha256:x", id="next", name="app-web-next", labels=labels)
    seen = facts()
    return {"containers": (*seen.containers, one)}


def test_a_service_that_is_out_of_the_proxy_is_put_back() -> None:
    assert steps(plan(to=OLD, away="api-1")) == [
        FETCH,
        ("test-proxy proxy", "nginx -t in the target image"),
        ("reload proxy", "api-1 is out of it since a run that died"),
    ]


def test_a_container_that_stood_in_and_that_nobody_asks_goes() -> None:
    made = plan(to=OLD, **standing_in())
    assert steps(made) == [FETCH, ("remove app-web-next", STOOD_IN)]
    assert made.notes == ()


def test_a_service_whose_stand_in_the_proxy_asks_is_rolled() -> None:
    """Its roll lets the proxy ask both before one goes, and waits for who may still ask that."""
    made = plan(to=OLD, away="web", **standing_in())
    assert steps(made) == [
        FETCH,
        ("roll web", "its stand-in has its requests since a run that died"),
    ]


def test_a_stand_in_of_a_service_that_is_left_out_stays() -> None:
    made = plan(to=OLD, away="web", wish=Wish(only=("api-1", "api-2")), **standing_in())
    assert titles(made) == []


def test_a_roll_of_the_service_takes_the_one_that_stood_in_away_itself() -> None:
    made = plan(changed("services/web/index.html"), **standing_in())
    assert "remove app-web-next" not in titles(made)


@pytest.mark.parametrize("sick", ["api-1", "api-2"])
def test_the_twin_that_serves_nobody_is_replaced_first(sick: str) -> None:
    """Else the other one, which has all the requests, would be taken out."""
    state = containers(**{sick.replace("-", "_"): {"health": "unhealthy"}})
    made = plan(changed("services/api/app.py"), **state)
    rolls = [step.subject for step in made.steps if step.kind is Kind.ROLL]
    assert rolls == [sick, *({"api-1", "api-2"} - {sick})]
