"""The steps that remove containers which are no longer wanted."""

from __future__ import annotations

from collections.abc import Collection

from ..facts import Facts
from .objections import orphans, surplus
from .plan import Kind, Step, Target, Wish
from .replacing import taken_over


def removals(
    target: Target,
    facts: Facts,
    wish: Wish,
    left_out: Collection[str],
    leaving: Collection[str],
) -> list[Step]:
    """Orphans and second containers that go. ``leaving``: those that are retired."""
    reason = "of this project, but no longer in its stack"
    stack = target.stack
    former = [c for one in stack.services for c in taken_over(one, stack, facts)]
    steps = [
        Step(Kind.REMOVE, c.name, reason)
        for c in orphans(target, facts)
        if c.id not in leaving and c.id not in wish.spare and (wish.remove_orphans or c in former)
    ]
    return steps + [
        Step(Kind.REMOVE, one.name, f"one more container of {one.service} than is wanted")
        for one in surplus(target, facts)
        if one.service not in left_out and not wish.only
    ]
