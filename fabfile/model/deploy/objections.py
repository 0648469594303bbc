"""What speaks against a plan, or should at least be known: refusals, drift and orphans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..facts import Container, Facts
from ..image_names import foreign
from ..stack import Stack
from .others import data_beside
from .plan import Target, Wish
from .reasons import Reason, Why
from .replacing import Replacing, former_replicas, taken_over


def orphans(target: Target, facts: Facts) -> list[Container]:
    """The containers of our project whose service is not in its stack."""
    names = {service.name for service in target.stack.services}
    return [
        container
        for container in facts.containers
        if container.project == target.stack.project
        and container.service
        and container.service not in names
    ]


def formers(target: Target, facts: Facts) -> list[Container]:
    """The orphans that ran what a service of the stack runs: they go once that one serves."""
    stack = target.stack
    return [one for service in stack.services for one in former_replicas(service, stack, facts)]


def surplus(target: Target, facts: Facts) -> list[Container]:
    """More containers of a service that is replaced in place than it is to have."""
    found = [
        facts.containers_of(target.stack.project, one.name)[one.replicas :]
        for one in target.stack.services
        if not one.beside
    ]
    return [container for containers in found for container in containers]


def notes(
    target: Target,
    facts: Facts,
    wish: Wish,
    reasons: Mapping[str, Reason],
    left_out: Mapping[str, Reason],
    replaced: Sequence[Replacing],
) -> list[str]:
    """What a person should know, and the plan does not act upon."""
    stack = target.stack
    taken = [c for one in stack.services for c in taken_over(one, stack, facts)]
    found = [f"left out: {name}: {reason.text}" for name, reason in left_out.items()]
    proxy = target.stack.proxy
    if proxy and proxy.name in reasons and facts.runs(target.stack.project, proxy.name):
        found.append(
            f"{proxy.name} itself is replaced: what is under way is cut, and for a moment"
            " nobody is answered"
        )
    found += _gaps(stack, facts, reasons, replaced)
    found += [
        f"{one.name} is restarted: what is under way there is cut, and nobody is answered meanwhile"
        for one in target.stack.services
        if one.hints.keep and wish.restarts(one)
    ]
    found += [
        f"orphan: {c.name} is of this project, but not in its stack; --remove-orphans"
        for c in orphans(target, facts)
        if not wish.removes(c) and c not in taken
    ]
    found += [
        f"started by hand: {container.name} is a one-off container of this project"
        for container in facts.containers
        if container.project == target.stack.project and not container.service
    ]
    found += [
        f"started by hand: {container.name} runs an image of this project"
        for container in facts.containers
        if container.by_hand and container.image_project == target.stack.project
    ]
    found += [
        f"the database starts empty beside data of others: {data}"
        for data in data_beside(target.stack, facts)
    ]
    return found + [f"edited on the server: {line.strip()}" for line in facts.edited]


def _gaps(
    stack: Stack, facts: Facts, reasons: Mapping[str, Reason], replaced: Sequence[Replacing]
) -> list[str]:
    """Who answers nobody for a time, because it is replaced in place."""
    beside = {one.service for one in replaced}
    gaps = [
        one.name
        for one in stack.services
        if one.name in reasons
        and one.name not in beside
        and not (one.hints.keep or one.hints.proxy or one.completes)
        and facts.runs(stack.project, one.name)
    ]
    found = [
        f"{name} is replaced in place: what is under way there is cut, and it answers nobody"
        " until the new one is healthy"
        for name in gaps
    ]
    return found + [
        f"no deploy steers {one.name} ({kind}): whoever asks through it meanwhile gets an error"
        for one in stack.services
        if gaps and (kind := foreign(one.image)) and stack.proxy is None
    ]


def refusals(
    target: Target,
    facts: Facts,
    wish: Wish,
    reasons: Mapping[str, Reason],
    left_out: Mapping[str, Reason],
) -> list[str]:
    """Why the plan as a whole must not be carried out; ``reasons`` are those of what it touches."""
    found = []
    for service in target.stack.services:
        reason = reasons.get(service.name)
        replaced = reason and reason.why not in (Why.ABSENT, Why.STOPPED)
        if service.hints.keep and reason and replaced and not wish.restart_data:
            found.append(
                f"{service.name} is a data service and would be recreated ({reason.text});"
                " --restart-data allows it"
            )
    kept = {service.name for service in target.stack.services if service.hints.keep}
    found += [
        f"{one.name} is a second container of the data service {one.service}; remove it by hand"
        for one in surplus(target, facts)
        if one.service in kept
    ]
    found += _other_parts(target, facts)
    found += [
        f"container name {service.container} is held by orphan {orphan.service};"
        " give the renamed service a container name of its own"
        for orphan in orphans(target, facts)
        for service in target.stack.services
        if service.container == orphan.name and orphan not in formers(target, facts)
    ]
    return found + _only(target, facts, wish, left_out)


def _other_parts(target: Target, facts: Facts) -> list[str]:
    """Networks and volumes that are there, and are defined otherwise than they were made."""
    last = facts.verified
    made = dict(last.parts) if last else {}
    found = []
    for part, definition in target.stack.parts.items():
        name = part.partition(" ")[2]
        there = name in facts.networks or name in facts.volumes
        if there and made.get(part, definition) != definition:
            found.append(
                f"{part} is defined otherwise than it was made, and no deploy makes it anew while"
                " something uses it: give it another name, or remove it by hand first"
            )
    return found


def _only(target: Target, facts: Facts, wish: Wish, left_out: Mapping[str, Reason]) -> list[str]:
    """``--only`` must not leave out what the rest of the stack would then miss."""
    if not wish.only:
        return []
    listed = ", ".join(wish.only)
    found = []
    for name, reason in left_out.items():
        stable = target.images[name].stable
        same = next((one for one in wish.only if target.images[one].stable == stable), None)
        if same:
            found.append(f"--only {listed}: {name} has the image of {same}; name both or neither")
        elif reason.why is not Why.IMAGE:
            found.append(f"--only {listed} would leave out {name}: {reason.text}")
        elif target.stack.service(name).hints.migrate:
            found.append(f"--only {listed} would leave out {name}, which may migrate")
    found += [
        f"--only {listed} would leave out {name}, of which two generations run"
        for name in facts.two_generations
        if name not in wish.only
    ]
    proxy = target.stack.proxy
    if proxy and target.generation != facts.generation:
        found.append(f"--only {listed} would leave out the configuration of {proxy.name}")
    return found
