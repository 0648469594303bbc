"""Every combination that the matrix plays: each feature alone, all pairs, and a covering few."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

from .catalogue import FEATURES, Feature
from .project import Project

CARRIED = [one for one in FEATURES if not one.refused]
REFUSED = [one for one in FEATURES if one.refused]
DEPLOYS = ("first deploy", "no change", "change", "rollback")
"""What is done to each combination that is carried out."""


def fits(one: Feature, other: Feature) -> bool:
    """Whether a compose file can have both."""
    both = one.without | other.without
    return one.name not in both and other.name not in both


def pairs(features: Iterable[Feature] = FEATURES) -> list[tuple[Feature, Feature]]:
    """All pairs that a compose file can have."""
    return [pair for pair in combinations(features, 2) if fits(*pair)]


def covering(features: Sequence[Feature]) -> list[tuple[Feature, ...]]:
    """Few combinations in which every pair stands at least once; as large as they can be."""
    left = set(pairs(features))
    found = []
    while left:
        chosen: list[Feature] = list(min(left, key=lambda pair: [one.name for one in pair]))
        while True:
            more = [
                one for one in features
                if one not in chosen and all(fits(one, other) for other in chosen)
            ]  # fmt: skip
            if not more:
                break
            new = {
                one.name: sum({one, other} == {*pair} for other in chosen for pair in left)
                for one in more
            }
            chosen.append(max(more, key=lambda one: new[one.name]))
        ordered = tuple(one for one in features if one in chosen)
        left -= {*combinations(ordered, 2)}
        found.append(ordered)
    return found


def made(features: Iterable[Feature], project: Project | None = None) -> Project:
    """A project that has these features, in the catalogue's order."""
    project = project or Project()
    for one in sorted(features, key=FEATURES.index):
        one.write(project)
    return project


def counts() -> str:
    """How many there are, in one line."""
    carried, every = len(pairs(CARRIED)), len(pairs())
    return (
        f"{len(CARRIED)} features carried, {len(REFUSED)} refused; {every} pairs, {carried} of them"
        f" carried, in {len(covering(CARRIED))} covering combinations;"
        f" {len(DEPLOYS)} deploys of each that is carried"
    )
