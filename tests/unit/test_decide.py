"""The decision: from what was seen to the steps, each with its reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fabfile.model.commit import Change
from fabfile.model.deploy.plan import Kind, Wish
from fabfile.model.stack import Service, Stack

from .builders import (
    NEW,
    OLD,
    STACK,
    image_ids,
    release,
    target,
)
from .planning import (
    CHECKOUT,
    FETCH,
    TEST_PROXY,
    changed,
    containers,
    plan,
    steps,
    titles,
    with_service,
)

# --- nothing to do


def test_what_runs_already_needs_nothing() -> None:
    made = plan(to=OLD)
    assert (made.steps, made.notes, made.refusals) == ((), (), ())
    assert made.untouched == ("db", "api-1", "api-2", "web", "proxy")
    assert made.since == OLD


def test_a_commit_that_changes_nothing_here_is_still_recorded() -> None:
    made = plan(changed("README.md"))
    assert steps(made) == [FETCH, CHECKOUT]
    assert made.untouched == ("db", "api-1", "api-2", "web", "proxy")


def test_a_run_that_died_before_its_record_is_caught_up() -> None:
    dead = release("r2", NEW, outcome="running")
    assert steps(plan(head=NEW, releases=(release(), dead))) == [FETCH]


def test_the_plan_knows_its_server_commit_and_where_it_comes_from() -> None:
    made = plan()
    assert (made.server, made.commit, made.subject, made.since) == (
        "ubuntu", NEW, "The subject", OLD,
    )  # fmt: skip


# --- one thing at a time


def test_a_change_of_one_service_touches_that_service_alone() -> None:
    tree = changed("services/web/index.html")
    log = (
        Change(NEW, "c", ("services/web/index.html", "services/web/a", "README.md")),
        Change("b", "b", ("services/web/index.html",)),
        Change("a", "a", ("services/api/app.py",)),
        Change(OLD, "old", ("services/web/old",)),
    )
    made = plan(tree, log=log)
    reference = target(tree=tree).images["web"].reference
    assert steps(made) == [
        FETCH,
        ("build web", f"{reference} not on the server"),
        CHECKOUT,
        ("roll web", "services/web: 2 files in 2 commits since 00000000"),
    ]
    assert made.untouched == ("db", "api-1", "api-2", "proxy")


def test_a_change_that_the_log_cannot_explain_is_still_found_by_content() -> None:
    assert steps(plan(changed("services/web/index.html")))[-1] == (
        "roll web",
        "services/web changed",
    )


def test_twins_are_built_tried_and_migrated_once_and_rolled_one_after_the_other() -> None:
    assert titles(plan(changed("services/api/app.py"))) == [
        "fetch 00000000",
        "build api-1",
        "smoke api-1",
        "migrate api-1",
        "checkout 00000000",
        "roll api-1",
        "roll api-2",
    ]


def test_an_image_that_was_built_before_is_not_built_again() -> None:
    tree = changed("services/web/index.html")
    images = image_ids(target()) | {target(tree=tree).images["web"].reference: "sha256:other"}
    assert titles(plan(tree, images=images)) == [
        "fetch 00000000",
        "checkout 00000000",
        "roll web",
    ]


def test_a_changed_definition_rolls_the_service_without_a_build() -> None:
    made = plan(stack=with_service("web", config_hash="other"))
    assert steps(made) == [FETCH, CHECKOUT, ("roll web", "definition or environment changed")]


def test_a_new_image_of_a_pulled_service_is_pulled() -> None:
    made = plan(stack=with_service("proxy", image="proxy:2"))
    assert steps(made) == [
        FETCH,
        ("pull proxy:2", "not on the server"),
        TEST_PROXY,
        CHECKOUT,
        ("roll proxy", "image proxy:2"),
    ]


def test_a_changed_proxy_configuration_reloads_and_recreates_nothing() -> None:
    made = plan(changed("nginx/nginx.conf"))
    assert steps(made) == [
        FETCH,
        TEST_PROXY,
        CHECKOUT,
        ("reload proxy", "its configuration changed"),
    ]
    assert made.untouched == ("db", "api-1", "api-2", "web", "proxy")


def test_other_names_are_loaded_and_recreate_nothing() -> None:
    front = STACK.service("proxy")
    hints = replace(front.hints, names={"site": ("other.example",)})
    assert steps(plan(stack=with_service("proxy", hints=hints))) == [
        FETCH,
        TEST_PROXY,
        CHECKOUT,
        ("reload proxy", "its configuration changed"),
    ]


def test_a_proxy_that_is_replaced_anyway_is_not_reloaded_too() -> None:
    stack = with_service("proxy", config_hash="other")
    assert titles(plan(changed("nginx/nginx.conf"), stack)) == [
        "fetch 00000000",
        "test-proxy proxy",
        "checkout 00000000",
        "roll proxy",
    ]


def test_mounted_configuration_of_another_service_replaces_it_by_force() -> None:
    proxy = STACK.service("proxy")
    stack = with_service("web", mounts=proxy.mounts[:1])
    last = release(configuration={**target().configuration, "web": "before"})
    made = plan(stack=stack, releases=(last,))
    (step,) = [step for step in made.steps if step.kind is Kind.ROLL]
    assert (step.subject, step.reason, step.force) == ("web", "mounted configuration changed", True)


# --- data services


@pytest.mark.parametrize(
    ("stack", "state", "why"),
    [
        (with_service("db", image="db:2"), {}, "image db:2"),
        (with_service("db", config_hash="other"), {}, "definition or environment changed"),
        (STACK, {"health": "unhealthy"}, "container is unhealthy"),
    ],
)
def test_a_data_service_is_never_recreated_unasked(
    stack: Stack, state: dict[str, Any], why: str
) -> None:
    refusal = f"db is a data service and would be recreated ({why}); --restart-data allows it"
    seen = containers(db=state)
    assert plan(stack=stack, **seen).refusals == (refusal,)
    assert plan(stack=stack, wish=Wish(restart_data=True), **seen).refusals == ()


@pytest.mark.parametrize("state", [None, {"state": "exited"}])
def test_a_data_service_that_does_not_run_is_started_without_being_asked(
    state: dict[str, Any] | None,
) -> None:
    made = plan(to=OLD, **containers(db=state))
    assert made.refusals == ()
    assert titles(made) == ["fetch 00000000", "up db"]


def test_a_data_service_is_started_before_what_needs_it() -> None:
    made = plan(changed("services/api/app.py"), **containers(db=None))
    order = titles(made)
    assert order.index("up db") < order.index("migrate api-1") < order.index("roll api-1")


# --- names


def test_a_service_of_the_stack_alone_decides_not_its_name() -> None:
    """No name means anything: a stack of other names gives the same steps."""

    def renamed(one: Service) -> Service:
        return replace(
            one, name=f"x-{one.name}", depends_on=tuple(f"x-{d}" for d in one.depends_on)
        )

    other = replace(STACK, services=tuple(renamed(one) for one in STACK.services))
    made = plan(stack=other, containers=(), images={}, releases=(), head="")
    plain = plan(containers=(), images={}, releases=(), head="")
    assert [step.kind for step in made.steps] == [step.kind for step in plain.steps]
    assert [step.subject.removeprefix("x-") for step in made.steps if step.kind is Kind.ROLL] == [
        step.subject for step in plain.steps if step.kind is Kind.ROLL
    ]
