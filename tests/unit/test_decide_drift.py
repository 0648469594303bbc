"""The decision where what runs is not what was deployed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fabfile.model.access.envfile import digests
from fabfile.model.deploy.decide import decide
from fabfile.model.deploy.plan import Kind, Plan, Target, Wish
from fabfile.model.release import Done
from fabfile.model.stack import Mount

from .builders import (
    CHECKOUT,
    OLD,
    PROJECT,
    SERVER,
    STACK,
    commit,
    container,
    facts,
    labels_of,
    release,
    service,
    target,
)
from .planning import (
    FETCH,
    changed,
    containers,
    plan,
    steps,
    titles,
    with_service,
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


def test_the_number_of_replicas_that_a_dead_deploy_left_in_the_file_goes() -> None:
    made = plan(to=OLD, meanwhile=True)
    reason = "a deploy that did not end left its number of replicas in the stack's file"
    assert steps(made) == [FETCH, ("checkout 00000000", reason)]
    assert made.notes == ()


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
    assert [note for note in made.notes if "orphan" in note] == []


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


@pytest.mark.parametrize("sick", ["api-1", "api-2"])
def test_the_one_that_serves_nobody_is_replaced_first(sick: str) -> None:
    """Else the other one, which has all the requests, would be taken out."""
    state = containers(**{sick.replace("-", "_"): {"health": "unhealthy"}})
    made = plan(changed("services/api/app.py"), **state)
    rolls = [step.subject for step in made.steps if step.kind is Kind.ROLL]
    assert rolls == [sick, *({"api-1", "api-2"} - {sick})]


def reading(text: str) -> Target:
    return replace(target(), beside={"web": text})


def decided(wanted: Target, **seen: Any) -> Plan:
    return decide(SERVER, wanted, facts(**seen), commit(OLD), Wish())


def released(text: str) -> dict[str, Any]:
    return {"releases": (release(beside=digests({"web": text}, "salt")),)}


def test_a_config_or_secret_that_changed_replaces_its_service_by_force() -> None:
    """Compose's digest does not cover what it says: it would change nothing."""
    made = decided(reading("new"), **released("old"))
    (step,) = [step for step in made.steps if step.kind is Kind.ROLL]
    assert (step.subject, step.reason, step.force) == ("web", "a config or secret changed", True)
    assert decided(reading("old"), **released("old")).steps == ()


def test_a_config_that_no_record_knows_is_not_taken_for_unchanged() -> None:
    assert "roll web" in titles(decided(reading("new"), releases=(release(),)))


def test_a_config_of_the_proxy_is_no_matter_of_a_reload() -> None:
    made = decided(replace(target(), beside={"proxy": "new"}))
    assert "roll proxy" in titles(made)
    assert "reload proxy" not in titles(made)


def scaled(**changes: Any) -> dict[str, Any]:
    web = STACK.service("web")
    labels = {**labels_of(PROJECT, "web", web.config_hash)}
    second = container(
        web, "old image", id="w2", name="app-web-2",
        labels={**labels, "com.docker.compose.container-number": "2"},
    )  # fmt: skip
    return {"containers": (replace(second, **changes), *facts().containers)}


@pytest.mark.parametrize(
    "state", [{}, {"state": "exited", "exit_code": 1}, {"health": "unhealthy"}]
)
def test_every_container_of_a_service_counts_whatever_it_runs(state: dict[str, Any]) -> None:
    made = plan(to=OLD, **scaled(**state))
    assert steps(made)[-1] == ("remove app-web-2", "one more container of web than is wanted")
    assert [step for step in made.steps if step.kind is Kind.ROLL] == []


def test_a_second_container_of_a_data_service_is_for_a_person() -> None:
    labels = labels_of(PROJECT, "db", STACK.service("db").config_hash)
    second = container(
        STACK.service("db"), "x", id="d2", name="app-db-2",
        labels={**labels, "com.docker.compose.container-number": "2"},
    )  # fmt: skip
    made = plan(to=OLD, containers=(*facts().containers, second))
    assert made.refusals == (
        "app-db-2 is a second container of the data service db; remove it by hand",
    )


@pytest.mark.parametrize(("code", "rolled"), [(0, []), (1, ["roll web"])])
def test_a_service_that_completes_is_done_when_it_has_ended_well(
    code: int, rolled: list[str]
) -> None:
    stack = with_service("web", completes=True)
    made = plan(stack=stack, to=OLD, **containers(web={"state": "exited", "exit_code": code}))
    assert [title for title in titles(made) if title.startswith("roll")] == rolled


@pytest.mark.parametrize("part", ["network app-network", "volume app_data"])
def test_a_network_or_volume_that_is_defined_otherwise_is_refused_by_name(part: str) -> None:
    """Compose would stop whatever uses it, or leave it as it is and say nothing."""
    seen: dict[str, Any] = {
        "volumes": frozenset({"app_data"}),
        "releases": (release(parts={part: "old"}),),
    }
    said = (
        f"{part} is defined otherwise than it was made, and no deploy makes it anew while"
        " something uses it: give it another name, or remove it by hand first"
    )
    assert plan(stack=replace(STACK, parts={part: "new"}), to=OLD, **seen).refusals == (said,)
    assert plan(stack=replace(STACK, parts={part: "old"}), to=OLD, **seen).refusals == ()
    gone: dict[str, Any] = {**seen, "volumes": frozenset(), "networks": {}}
    assert plan(stack=replace(STACK, parts={part: "new"}), to=OLD, **gone).refusals == ()


def test_a_data_service_that_mounts_files_of_the_commit_starts_when_they_are_there() -> None:
    """Docker makes a folder of a file that is missing."""
    mounts = (Mount("bind", f"{CHECKOUT}/nginx", "/conf"),)
    made = plan(stack=with_service("db", mounts=mounts), **containers(db=None))
    kinds = [step.kind for step in made.steps]
    assert kinds.index(Kind.CHECKOUT) < kinds.index(Kind.UP)
    plainly = [step.kind for step in plan(**containers(db=None)).steps]
    assert plainly.index(Kind.UP) < plainly.index(Kind.CHECKOUT)


@pytest.mark.parametrize(
    ("outcome", "state", "rolled"),
    [
        ("done", {}, True),
        ("failed", {}, True),
        ("failed", {"state": "exited"}, True),
        (None, {}, False),
    ],
)
def test_a_config_that_failed_does_not_stay_on_the_way_back(
    outcome: str | None, state: dict[str, Any], rolled: bool
) -> None:
    """What the last good release had is wanted, and another one is in the container."""
    steps = (Done("checkout 1", "done", 0), *([Done("roll web", outcome, 0)] if outcome else []))
    failed = release("r2", outcome="failed", beside=digests({"web": "bad"}, "salt"), steps=steps)
    seen = {**released("old"), **containers(web=state)}
    made = decided(reading("old"), **{**seen, "releases": (*seen["releases"], failed)})
    found = [(step.subject, step.force) for step in made.steps if step.kind is Kind.ROLL]
    assert found == ([("web", True)] if rolled else [])
