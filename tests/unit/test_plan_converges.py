"""Whatever happened to a server: a deploy brings it to the commit, and a second plan is empty."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from fabfile.model.deploy.plan import PREPARING
from fabfile.model.facts import Container, Facts

from .builders import PROJECT, STACK
from .simulation import BESIDE, Version, World

FILES = ("services/api/app.py", "services/web/index.html", "nginx/nginx.conf", "README.md")
NAMES = tuple(one.name for one in STACK.services)

versions = st.builds(
    Version,
    contents=st.tuples(*(st.tuples(st.just(path), st.integers(0, 2)) for path in FILES)),
    definitions=st.tuples(*(st.tuples(st.just(name), st.integers(0, 1)) for name in NAMES)),
    replicas=st.integers(1, 3),
)


CONFIG_HASH = "com.docker.compose.config-hash"
SERVICE = "com.docker.compose.service"

CONTAINER_DRIFTS: dict[str, Callable[[Container], Container]] = {
    "stopped": lambda one: replace(one, state="exited"),
    "paused": lambda one: replace(one, state="paused"),
    "unhealthy": lambda one: replace(one, health="unhealthy"),
    "by hand": lambda one: replace(one, labels={**one.labels, CONFIG_HASH: "by hand"}),
    "orphan": lambda one: replace(one, labels={**one.labels, SERVICE: "old"}, name="old"),
}
SERVER_DRIFTS: dict[str, Callable[[Facts], Facts]] = {
    "edited": lambda seen: replace(seen, edited=(" M nginx/nginx.conf",)),
    "meanwhile": lambda seen: replace(seen, meanwhile=True),
    "head": lambda seen: replace(seen, head="f" * 40),
    "generation": lambda seen: replace(seen, generation=""),
}


def _drift(world: World, what: str, which: int) -> None:
    """Something that happened behind our back."""
    facts = world.facts
    if what in SERVER_DRIFTS:
        world.facts = SERVER_DRIFTS[what](facts)
    elif what in ("stable", "unused image") and facts.images:
        world.facts = replace(facts, images=_images(facts, what, which))
    elif facts.containers:
        containers = list(facts.containers)
        one = containers.pop(which % len(containers))
        if what in CONTAINER_DRIFTS:
            containers.append(CONTAINER_DRIFTS[what](one))
        world.facts = replace(facts, containers=tuple(containers))
    if what == "scaled":
        world.facts = _scaled(world, which % 3 + 1)
    if not world.facts.runs(PROJECT, "proxy"):
        world.facts = replace(world.facts, pinned={}, split=None, generation="")


def _scaled(world: World, more: int) -> Facts:
    """Somebody's ``up --scale``: more of what the name in the stack means now."""
    there = world.facts.containers_of(PROJECT, BESIDE)
    for _ in range(more if there else 0):
        service = replace(STACK.service(BESIDE), config_hash=there[0].config_hash)
        world.facts = world.with_replica(service, there[0].image)
    return world.facts


def _images(facts: Facts, what: str, which: int) -> Mapping[str, str]:
    """A stable name moved by a hand build, or an image removed that no container runs."""
    stable = [name for name in sorted(facts.images) if name.endswith(":current")]
    if what == "stable" and stable:
        return {**facts.images, stable[which % len(stable)]: "sha256:by hand"}
    used = {one.image for one in facts.containers}
    unused = sorted(set(facts.images.values()) - used)
    gone = unused[which % len(unused)] if unused else ""
    return {name: identity for name, identity in facts.images.items() if identity != gone}


DRIFTS = (*SERVER_DRIFTS, *CONTAINER_DRIFTS, "stable", "unused image", "removed", "scaled")
drifts = st.tuples(st.sampled_from(DRIFTS), st.none(), st.integers(0, 9))
HOW = {"canary": "canary", "died in a canary": "canary", "kept": "kept", "died keeping": "kept"}
"""Deploys that are other ones than usual."""
deploys = st.tuples(
    st.sampled_from(["deploy", "died", *HOW]), versions, st.none() | st.integers(0, 16)
)
events = deploys | drifts
Event = tuple[str, Version | None, int | None]


def _played(history: list[Event]) -> World:
    world = World()
    for what, version, number in history:
        if version is not None:
            dies = what.startswith("died")
            world.deploy(version, fails_at=number, dies=dies, how=HOW.get(what, ""))
        else:
            _drift(world, what, number or 0)
    return world


def _is(world: World, version: Version) -> None:
    """Everything that can be seen is as the version wants it, by no rule of the plan's own."""
    target = version.target()
    assert world.plan_steps(version) == ()
    assert world.plain_up_changes(target) == []
    assert {one.health for one in world.facts.containers} == {"healthy"}
    replicas = {f"{PROJECT}-{BESIDE}-{number + 1}" for number in range(version.replicas)}
    alone = {f"{PROJECT}-{name}" for name in NAMES if name != BESIDE}
    assert sorted(one.name for one in world.facts.containers) == sorted(replicas | alone)
    assert (world.facts.pinned, world.facts.split) == ({}, None)
    assert world.facts.generation == target.generation
    assert (world.facts.head, world.facts.edited, world.facts.meanwhile) == (
        version.identity,
        (),
        False,
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(events, max_size=6), versions)
def test_a_deploy_of_the_plan_always_converges(history: list[Event], last: Version) -> None:
    world = _played(history)
    world.deploy(last)
    _is(world, last)


@settings(max_examples=150, deadline=None)
@given(versions, st.lists(drifts, min_size=1, max_size=3))
def test_a_deploy_of_the_same_commit_undoes_every_drift(
    version: Version, drifted: list[Event]
) -> None:
    world = _played([("deploy", version, None), *drifted])
    world.deploy(version)
    _is(world, version)


@settings(max_examples=100, deadline=None)
@given(st.lists(events, max_size=5), versions, versions, st.integers(0, 16))
def test_a_failed_deploy_comes_back_to_what_ran(
    history: list[Event], good: Version, bad: Version, step: int
) -> None:
    world = _played(history)
    world.deploy(good)
    before = {one.service: (one.image, one.config_hash) for one in world.facts.containers}
    world.deploy(bad, fails_at=step)
    verified = world.facts.verified
    assert verified is not None
    if verified.commit == good.identity:
        after = {one.service: (one.image, one.config_hash) for one in world.facts.containers}
        assert after == before
        _is(world, good)


@settings(max_examples=100, deadline=None)
@given(st.lists(events, max_size=5), versions)
def test_a_plan_never_touches_the_running_system_before_everything_is_prepared(
    history: list[Event], wanted: Version
) -> None:
    kinds = [step.kind for step in _played(history).plan(wanted.target(), wanted.commit()).steps]
    prepared = [kind not in PREPARING for kind in kinds]
    assert prepared == sorted(prepared)


def test_the_simulation_speaks_of_the_stack_that_the_tests_use() -> None:
    world = World()
    world.deploy(Version((), ()))
    assert {one.project for one in world.facts.containers} == {PROJECT}
    assert [one.service for one in world.facts.containers] == [
        "db",
        "api-1",
        "api-2",
        "web",
        "web",
        "proxy",
    ]


def test_a_proxy_that_stands_still_and_has_another_definition_is_started_and_replaced() -> None:
    """It is started first, since it moves the requests; that alone leaves it as it was made."""
    first = Version((("services/web/index.html", 0),), (("web", 0), ("proxy", 0)))
    last = Version((("services/web/index.html", 1),), (("web", 0), ("proxy", 1)))
    world = World()
    world.deploy(first)
    proxy = next(one for one in world.facts.containers if one.service == "proxy")
    others = tuple(one for one in world.facts.containers if one != proxy)
    world.facts = replace(
        world.facts, containers=(*others, replace(proxy, state="paused")), generation=""
    )
    world.deploy(last)
    _is(world, last)
