"""The steps by which services are replaced beside: hold, start, switch, retire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from ..facts import Container, Facts
from .comparing import Canary
from .plan import Kind, Step, Target
from .reasons import Reason
from .replacing import Replacing


def hold_step(plans: Sequence[Replacing], facts: Facts) -> list[Step]:
    """Before anything is prepared: the proxy names who serves, one by one."""
    held = [
        one for one in plans if one.starting and one.serving and one.service not in facts.pinned
    ]
    why = "the proxy names who runs, so that a new replica gets no request by accident"
    return [Step(Kind.HOLD, _names(held), why)] if held else []


def mend_step(plans: Sequence[Replacing], proxy: Container | None) -> list[Step]:
    """A proxy that is there and does not run, as where one whom it names is gone, is started first.

    It names those who serve, as after a hold.

    A step that replaces it would come after the proof, which asks it.
    """
    if not plans or proxy is None or proxy.state == "running":
        return []
    why = f"container is {proxy.state}: it is told who runs, and started"
    return [Step(Kind.RELOAD, proxy.service, why)]


def switch_steps(
    plans: Sequence[Replacing], reasons: Mapping[str, Reason], facts: Facts
) -> list[Step]:
    """All of them at once: one load moves the requests of every service."""
    starting = [one for one in plans if one.starting]
    # Who is asked by another name than the service's leaves too: a former layout's replicas.
    split = facts.split.new if facts.split else {}
    switched = [
        one
        for one in plans
        if one.succeeds
        or (one.service in reasons and (one.serving or one.leaving or one.kept))
        or one.service in split
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


def tried(
    plans: Sequence[Replacing], reasons: Mapping[str, Reason], canary: Canary | None
) -> list[Replacing]:
    """The services whose new replicas a canary gives a share of the clients."""
    return [one for one in plans if canary and one.service in reasons and one.trying]


def with_canary(
    steps: Sequence[Step], trying: Sequence[Replacing], canary: Canary | None
) -> list[Step]:
    """The same steps, with the canary before the requests move."""
    at = next((n for n, step in enumerate(steps) if step.kind is Kind.SWITCH), len(steps))
    if not canary or not trying:
        return list(steps)
    why = f"{canary} get the new replicas; then what both sides answered is compared"
    return [*steps[:at], Step(Kind.CANARY, _names(trying), why), *steps[at:]]


def canary_refusals(
    target: Target,
    facts: Facts,
    reasons: Mapping[str, Reason],
    trying: Sequence[Replacing],
    steps: Sequence[Step],
) -> list[str]:
    """Why a canary can show nothing of a plan that changes what runs."""
    stack, proxy = target.stack, target.stack.proxy
    if proxy is None or not facts.runs(stack.project, proxy.name):
        return ["--canary: no proxy runs that could give clients to new replicas"]
    whole = [
        one.name
        for one in stack.services
        if one.name in reasons and not one.beside and one.name != proxy.name
    ]
    found = [
        f"--canary: {name} cannot stand beside itself, so no share of the clients can try it;"
        " deploy it first, or leave it out with --only"
        for name in whole
    ]
    if steps and not trying and not found:
        found.append("--canary: no replica that serves is replaced, so there is nothing to compare")
    return found


def keeping(facts: Facts) -> bool:
    """Whether the former replicas of what runs are to be kept yet."""
    last = facts.verified
    return last is not None and facts.keeps_former and facts.now < last.kept


def generations(name: str, facts: Facts) -> list[str]:
    """What a person must know who finds two generations of replicas: why, since when, what next."""
    told, split, last = [], facts.split, facts.verified
    if split:
        told.append(
            f"canary: {split.share} % of the clients get the new replicas of {', '.join(split.new)}"
            f" since {instant(split.since)}; fab {name}.promote or fab {name}.rollback ends it"
        )
    if last and facts.keeps_former:
        over = "" if facts.now < last.kept else ", which has passed"
        told.append(
            f"the former replicas of {', '.join(facts.two_generations)} are kept until"
            f" {instant(last.kept)}{over}: fab {name}.rollback goes back by one load,"
            f" fab {name}.promote removes them"
        )
    return told


def instant(seconds: int) -> str:
    """A time as a person reads it, to the minute."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def keep_refusals(steps: Sequence[Step]) -> list[str]:
    """Why former replicas cannot be kept: what is done after their end would end them."""
    kinds = [step.kind for step in steps]
    late = steps[kinds.index(Kind.RETIRE) + 1 :] if Kind.RETIRE in kinds else ()
    return [
        f"--keep-old: {step.subject} is replaced once the former replicas have gone; deploy without"
        for step in late
        if step.kind is Kind.ROLL
    ]


def _count(one: Replacing) -> str:
    return f"{one.starting} new beside {len(one.serving)}" if one.serving else f"{one.starting} new"


def _names(plans: Sequence[Replacing]) -> str:
    return ", ".join(one.service for one in plans)
