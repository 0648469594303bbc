"""The steps by which services are replaced beside: hold, start, switch, retire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..facts import Facts
from .plan import Kind, Step
from .reasons import Reason
from .replacing import Replacing


def hold_step(plans: Sequence[Replacing], facts: Facts) -> list[Step]:
    """Before anything else changes: the proxy names who serves, one by one."""
    held = [
        one for one in plans if one.starting and one.serving and one.service not in facts.pinned
    ]
    why = "the proxy names who runs, so that a new replica gets no request by accident"
    return [Step(Kind.HOLD, _names(held), why)] if held else []


def switch_steps(
    plans: Sequence[Replacing], reasons: Mapping[str, Reason], facts: Facts
) -> list[Step]:
    """All of them at once: one load moves the requests of every service."""
    starting = [one for one in plans if one.starting]
    # Who is asked by another name than the service's leaves too: a former layout's replicas.
    switched = [
        one
        for one in plans
        if one.succeeds or (one.service in reasons and (one.serving or one.leaving))
    ]
    pinned = any(one.service in facts.pinned for one in plans)
    leaving = sum(len(one.leaving) for one in plans)
    steps = []
    if starting:
        whys = dict.fromkeys(f"{reasons[one.service].text}: {_count(one)}" for one in starting)
        steps.append(Step(Kind.START, _names(starting), "; ".join(whys)))
    if switched:
        why = "one load moves the requests to those that stay"
        steps.append(Step(Kind.SWITCH, _names(switched), why))
    if switched or leaving or pinned or any(one.misnamed for one in plans):
        why = "a container has the name that a run gave it"
        why = "the proxy names the service again" if switched or pinned else why
        why = f"{leaving} that nobody asks" if leaving else why
        steps.append(Step(Kind.RETIRE, _names(plans), why))
    return steps


def _count(one: Replacing) -> str:
    return f"{one.starting} new beside {len(one.serving)}" if one.serving else f"{one.starting} new"


def _names(plans: Sequence[Replacing]) -> str:
    return ", ".join(one.service for one in plans)
