"""Each feature of compose alone and each pair: carried through four deploys, or refused by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.features.catalogue import FEATURES, Feature
from tests.features.pairs import CARRIED, covering, pairs
from tests.features.project import Project
from tests.features.shapes import SHAPES, Shape
from tests.lab.full import full

from .featuring import Version, resolved_version, server, touched, version

Combination = tuple[Feature, ...]
FAST = [*((one,) for one in FEATURES), *covering(CARRIED)]
"""Each alone; and few in which every pair stands."""


def name(combination: Combination) -> str:
    return " + ".join(one.name for one in combination)


def plays(first: Version, second: Version) -> None:
    """First deploy, no change, a change, no change, a rollback, no change."""
    world = server(first.project)
    assert touched(world.deploy(first)) == {one.name for one in first.target().stack.services}
    release = world.facts.verified
    assert release is not None
    assert world.plan_steps(first) == ()
    assert touched(world.deploy(second)) == {
        one.name
        for one in second.target().stack.services
        if one.build and one.build.context.endswith("/app/app")
    }
    assert world.plan_steps(second) == ()
    world.go_back(release)
    assert world.plan_steps(first) == ()


@pytest.mark.parametrize("combination", FAST, ids=name)
def test_what_compose_may_say_is_carried_or_refused_by_name(
    combination: Combination, tmp_path: Path
) -> None:
    judged(version(combination, tmp_path), combination)


def judged(first: Version, combination: Combination) -> None:
    refused = [one.refused for one in combination if one.refused]
    if first.stack is None:  # what contradicts itself under x-deploy is told before all else
        refused = [said for said in refused if said.startswith("proxy of")]
    told = [said for said in refused for problem in first.problems if said in problem]
    assert (told, len(first.problems)) == (refused, len(refused)), first.problems
    if not refused:
        plays(first, again(first))


def again(first: Version) -> Version:
    """The same project with another greeting."""
    commit = first.commit_
    app = {**commit.tree, "app/app.py": ("100644", "another")}
    return replace(first, commit_=replace(commit, id=f"{1:040x}", tree=app))


@full
@pytest.mark.parametrize("one", FEATURES, ids=lambda one: one.name)
def test_so_is_each_pair(one: Feature, tmp_path: Path) -> None:
    for number, pair in enumerate(pairs()):
        if pair[0] is one:
            judged(version(pair, tmp_path / str(number)), pair)


@pytest.mark.parametrize("one", CARRIED, ids=lambda one: one.name)
def test_a_change_of_a_feature_alone_touches_what_it_concerns(one: Feature, tmp_path: Path) -> None:
    first = version((one,), tmp_path / "first")
    second = version((one,), tmp_path / "second", level=2)
    world = server(first.project)
    world.deploy(first)
    assert touched(world.deploy(second)) == first.project.moved


def test_few_combinations_hold_every_pair() -> None:
    found = [set(one) for one in covering(CARRIED)]
    assert all(any({*pair} <= one for one in found) for pair in pairs(CARRIED))


def test_what_a_proxy_of_others_costs_is_in_the_plan_of_a_change(tmp_path: Path) -> None:
    (behind,) = [one for one in CARRIED if one.name.startswith("another proxy")]
    first = version((behind,), tmp_path)
    world = server(first.project)
    told = "no deploy steers edge (caddy): whoever asks through it meanwhile gets an error"
    assert world.deploy(first).notes == ()
    assert world.deploy(again(first)).notes[1:] == (told,)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda one: one.name)
def test_projects_as_others_build_them_are_carried(shape: Shape, tmp_path: Path) -> None:
    versions = []
    for level in (1, 2):
        project = Project(level=level)
        shape.write(project)
        versions.append(resolved_version(project, tmp_path / str(level)))
    first, second = versions
    assert first.problems == second.problems == ()
    plays(first, again(first))
    world = server(first.project)
    world.deploy(first)
    assert touched(world.deploy(second)) == first.project.moved
