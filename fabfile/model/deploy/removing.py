"""The steps that remove containers which are no longer wanted."""

from __future__ import annotations

from collections.abc import Collection

from ..facts import Container, Facts
from .objections import orphans, surplus
from .plan import Kind, Step, Target, Wish
from .replacing import taken_over


def removals(
    target: Target,
    facts: Facts,
    wish: Wish,
    reasons: Collection[str],
    left_out: Collection[str],
    leaving: Collection[str],
) -> list[Step]:
    """Orphans, second containers and stand-ins that go. ``leaving``: those that are retired."""
    reason = "of this project, but no longer in its stack"
    stack = target.stack
    former = [c for one in stack.services for c in taken_over(one, stack, facts)]
    steps = [
        Step(Kind.REMOVE, c.name, reason)
        for c in orphans(target, facts)
        if c.id not in leaving and c.id not in wish.spare and (wish.remove_orphans or c in former)
    ]
    steps += [
        Step(Kind.REMOVE, one.name, f"a second container of {one.service}; one is wanted")
        for one in surplus(target, facts)
        if one.service not in left_out and not wish.only
    ]
    return [*steps, *_dismissals(target, facts, {*reasons, *left_out})]


def _dismissals(target: Target, facts: Facts, taken: Collection[str]) -> list[Step]:
    """Containers that stood in for a service when a run died; a roll of it takes its own."""
    return [
        Step(Kind.REMOVE, one.name, f"stood in for {one.stands_in_for} when a run died")
        for one in stand_ins(target, facts)
        if one.stands_in_for not in taken
    ]


def stand_ins(target: Target, facts: Facts, service: str = "") -> list[Container]:
    """The containers that stand in for a service; for whichever, unless it is named."""
    return [
        one
        for one in facts.containers
        if one.project == target.stack.project
        and one.stands_in_for
        and service in ("", one.stands_in_for)
    ]
