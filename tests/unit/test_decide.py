"""The decision: from what was seen to the steps, each with its reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fabfile.model.content import Tree
from fabfile.model.decide import FOLDERS, decide
from fabfile.model.errors import Trouble
from fabfile.model.facts import Change, Facts
from fabfile.model.plan import PREPARING, Kind, Plan, Target, Wish
from fabfile.model.release import Image
from fabfile.model.stack import Service, Stack

from .builders import (
    NEW,
    OLD,
    PROJECT,
    ROOT,
    SERVER,
    STACK,
    TREE,
    commit,
    container,
    facts,
    folders,
    image_ids,
    release,
    service,
    target,
)

FETCH = ("fetch 00000000", "The subject")
CHECKOUT = ("checkout 00000000", "was 00000000")
TEST_PROXY = ("test-proxy proxy", "nginx -t in the target image")


def plan(
    tree: Tree = TREE,
    stack: Stack = STACK,
    wish: Wish | None = None,
    to: str = NEW,
    log: tuple[Change, ...] = (),
    **seen: Any,
) -> Plan:
    """The plan for a tree and a stack, on a server that runs the stack as it was deployed."""
    wanted = commit(to, tree=tree, log=log)
    return decide(SERVER, target(stack, tree), facts(**seen), wanted, wish or Wish())


def steps(made: Plan) -> list[tuple[str, str]]:
    return [(step.title, step.reason) for step in made.steps]


def titles(made: Plan) -> list[str]:
    return [step.title for step in made.steps]


def changed(*paths: str) -> Tree:
    return {**TREE, **dict.fromkeys(paths, ("100644", "changed"))}


def with_service(name: str, **changes: Any) -> Stack:
    """The stack with one service another one."""
    return replace(
        STACK,
        services=tuple(
            replace(one, **changes) if one.name == name else one for one in STACK.services
        ),
    )


def containers(**states: dict[str, Any] | None) -> dict[str, Any]:
    """The containers that run, some changed (by service, _ for -), some not there (None)."""
    found = []
    for one in facts().containers:
        state = states.get(one.service.replace("-", "_"), {})
        if state is not None:
            found.append(replace(one, **state))
    return {"containers": tuple(found)}


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
        ("roll web", "services/web: 2 files in 2 commits since 00000000, by content tag"),
    ]
    assert made.untouched == ("db", "api-1", "api-2", "proxy")


def test_a_change_that_the_log_cannot_explain_is_still_found_by_content() -> None:
    assert steps(plan(changed("services/web/index.html")))[-1] == (
        "roll web",
        "services/web: by content tag",
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


# --- what runs is not what it should be


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
    labels = {
        "com.docker.compose.project": PROJECT,
        "com.docker.compose.service": "web",
        "com.docker.compose.config-hash": "by hand",
    }
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
    labels = {"com.docker.compose.project": "other", "com.docker.compose.service": "old"}
    theirs = container(service("old"), "sha256:x", labels=labels)
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


def test_an_orphan_that_holds_a_name_of_the_stack_refuses_the_plan() -> None:
    orphan = replace(container(service("old"), "sha256:x"), name="app-web")
    seen = (*containers(web=None)["containers"], orphan)
    (refusal,) = plan(containers=seen).refusals
    assert refusal == (
        "container name app-web is held by orphan old;"
        " give the renamed service a container name of its own"
    )


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
    assert titles(made) == ["fetch 00000000", "start db"]


def test_a_data_service_is_started_before_what_needs_it() -> None:
    made = plan(changed("services/api/app.py"), **containers(db=None))
    order = titles(made)
    assert order.index("start db") < order.index("migrate api-1") < order.index("roll api-1")


# --- the first deploy


def empty(**changes: Any) -> Plan:
    return plan(
        **{
            "containers": (),
            "images": {},
            "releases": (),
            "head": "",
            "generation": "",
            "folders": {},
            **changes,
        }
    )


def test_a_first_deploy_makes_prepares_starts_and_rolls_everything_in_order() -> None:
    made = empty()
    assert steps(made) == [
        ("bootstrap /opt/app", "9 of its folders are missing"),
        FETCH,
        ("certificate self-made", "none yet; ssl.issue replaces it by a real one"),
        ("pull db:1", "not on the server"),
        ("pull proxy:1", "not on the server"),
        ("build api-1", f"{target().images['api-1'].reference} not on the server"),
        ("build web", f"{target().images['web'].reference} not on the server"),
        ("smoke api-1", "a new image starts once, apart"),
        TEST_PROXY,
        ("start db", "not there yet"),
        ("migrate api-1", "if the database's revision is not the new image's"),
        ("checkout 00000000", "was empty"),
        ("roll api-1", "not there yet"),
        ("roll api-2", "not there yet"),
        ("roll web", "not there yet"),
        ("roll proxy", "not there yet"),
    ]
    assert (made.since, made.untouched, made.refusals) == ("", (), ())


def test_every_step_that_can_fail_without_harm_comes_before_every_step_that_cannot() -> None:
    kinds = [step.kind for step in empty().steps]
    harmless = [kind in PREPARING for kind in kinds]
    assert harmless == sorted(harmless, reverse=True)


def test_only_missing_folders_are_made() -> None:
    there = folders(*(f"{ROOT}/{name}" for name in FOLDERS if name != "proxy"))
    assert steps(empty(folders=there))[0] == ("bootstrap /opt/app", "2 of its folders are missing")


def test_a_new_service_is_started_before_those_that_change() -> None:
    new = service("worker")
    stack = replace(STACK, services=(*STACK.services[:-1], new, STACK.services[-1]))
    tree = changed("services/api/app.py")
    rolls = [step.subject for step in plan(tree, stack).steps if step.kind is Kind.ROLL]
    assert rolls == ["worker", "api-1", "api-2"]


def test_a_new_service_waits_for_a_change_that_it_depends_on() -> None:
    new = service("worker", depends_on=("api-1",))
    stack = replace(STACK, services=(*STACK.services[:-1], new, STACK.services[-1]))
    tree = changed("services/api/app.py")
    rolls = [step.subject for step in plan(tree, stack).steps if step.kind is Kind.ROLL]
    assert rolls == ["api-1", "api-2", "worker"]


# --- trust in the called server


def calling(seen: Facts, certificate: str) -> Plan:
    server = replace(SERVER, calls="montreal")
    return decide(server, target(), seen, commit(OLD), Wish(), called_certificate=certificate)


def trusting(certificate: str) -> Facts:
    known = {**facts().folders, **folders(f"{ROOT}/certs/trust/ca-bundle.pem")}
    return facts(folders=known, trust=certificate)


def test_the_certificate_of_the_called_server_is_trusted_when_it_is_new() -> None:
    assert steps(calling(trusting("OLD"), "NEW"))[-1] == (
        "trust montreal",
        "the certificate of montreal is new here",
    )
    assert calling(trusting("SAME\n"), "SAME").steps == ()


def test_a_called_server_without_a_certificate_leaves_the_system_authorities() -> None:
    assert steps(calling(facts(), ""))[-1] == (
        "trust montreal",
        "system authorities only: montreal has no certificate yet",
    )


def test_a_server_that_calls_nobody_trusts_nobody() -> None:
    assert plan(to=OLD).steps == ()


# --- wishes


def test_only_leaves_the_rest_out_and_says_so() -> None:
    tree = changed("services/web/index.html")
    left = service("worker", image="worker:2")
    stack = replace(STACK, services=(*STACK.services, left))
    running = container(replace(left, image="worker:1"), "sha256:worker:1")
    made = plan(tree, stack, Wish(only=("web",)), containers=(*facts().containers, running))
    assert titles(made) == ["fetch 00000000", "build web", "checkout 00000000", "roll web"]
    assert made.notes == ("left out: worker: image worker:2",)
    assert made.refusals == ()
    assert "worker" not in made.untouched


@pytest.mark.parametrize(
    ("only", "tree", "stack", "refusal"),
    [
        (
            "api-1",
            changed("services/api/app.py"),
            STACK,
            "api-2 is a twin of api-1; name both or neither",
        ),
        (
            "web",
            changed("services/api/app.py"),
            STACK,
            "would leave out api-1, which may migrate",
        ),
        (
            "web",
            TREE,
            with_service("proxy", config_hash="other"),
            "would leave out proxy: definition or environment changed",
        ),
        (
            "web",
            changed("nginx/nginx.conf"),
            STACK,
            "would leave out the configuration of proxy",
        ),
    ],
)
def test_only_is_refused_when_the_rest_would_be_missed(
    only: str, tree: Tree, stack: Stack, refusal: str
) -> None:
    refusals = plan(tree, stack, Wish(only=(only,))).refusals
    assert any(refusal in line and line.startswith(f"--only {only}") for line in refusals)


def test_only_of_an_unknown_service_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Trouble, match="no service 'x' in the stack; services: db, api-1"):
        plan(wish=Wish(only=("x",)))


def test_rebuild_builds_tries_and_rolls_what_is_there_already() -> None:
    made = plan(to=OLD, wish=Wish(rebuild=True))
    assert titles(made) == [
        "fetch 00000000",
        "build api-1",
        "build web",
        "smoke api-1",
        "migrate api-1",
        "roll api-1",
        "roll api-2",
        "roll web",
    ]
    assert [step.force for step in made.steps if step.kind is Kind.BUILD] == [True, True]
    assert made.untouched == ("db", "proxy")


# --- convergence


def after(made: Plan, wanted: Target, tree: Tree) -> Facts:
    """What a look sees after a plan was carried out and its release recorded."""
    images = {**facts().images, **image_ids(wanted)}
    running = tuple(
        container(one, images[wanted.images[one.name].reference]) for one in wanted.stack.services
    )
    record = release(
        "r2",
        made.commit,
        images={
            name: Image(image.reference, images[image.reference])
            for name, image in wanted.images.items()
        },
        definitions={one.name: one.config_hash for one in wanted.stack.services},
        configuration=wanted.configuration,
    )
    return facts(
        images=images,
        containers=running,
        head=made.commit,
        releases=(release(), record),
        generation=wanted.generation,
    )


@pytest.mark.parametrize(
    ("tree", "stack"),
    [
        (changed("services/api/app.py"), STACK),
        (changed("services/web/index.html", "nginx/nginx.conf"), STACK),
        (TREE, with_service("web", config_hash="other")),
        (changed("README.md"), STACK),
    ],
)
def test_a_second_plan_after_a_deploy_is_empty(tree: Tree, stack: Stack) -> None:
    wanted = target(stack, tree)
    first = plan(tree, stack)
    second = decide(SERVER, wanted, after(first, wanted, tree), commit(NEW, tree=tree), Wish())
    assert first.steps != ()
    assert second.steps == ()


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
