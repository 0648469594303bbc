"""The budgets: what a plan takes of the engine's disk and of memory, told before it begins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..facts import Facts
from ..image_names import repository
from ..stack import Service
from .plan import Kind, Step, Target
from .replacing import Replacing

MINIMUM_FREE = 1 << 30
"""Bytes that must stay free on every file system that a deploy writes to (1 GiB)."""
UNKNOWN = 1 << 29
"""Bytes that an image is taken for when none of its name is here yet (512 MiB)."""
SPARE = 1 << 27
"""Bytes of memory that must stay available (128 MiB)."""
REPLICA = 1 << 27
"""Bytes that a replica is taken for which never ran here and reserves nothing (128 MiB)."""
BUILD = 1 << 29
"""Bytes of memory that a build may take (512 MiB)."""
BUILDS = 2
"""A build takes its image, and as much again for what it is made from."""


def shortage(server: str, target: Target, facts: Facts, steps: Iterable[Step]) -> list[str]:
    """Why the images of these steps find no room; nothing when they do.

    What must stay free is for what runs, and for the way back: its images are here already.
    """
    needs = {
        step.subject: _bytes(step, target, facts)
        for step in steps
        if step.kind in (Kind.PULL, Kind.BUILD)
    }
    disk = facts.storage
    if disk is None or not needs or disk.free >= sum(needs.values()) + MINIMUM_FREE:
        return []
    said = (
        f"disk {disk.mount} has {_gib(disk.free)} free; {', '.join(needs)} will take about"
        f" {_gib(sum(needs.values()))}, and {_gib(MINIMUM_FREE)} must stay: make room with"
        f" fab {server}.prune"
    )
    return [said]


def crowded(target: Target, facts: Facts, plans: Iterable[Replacing]) -> list[str]:
    """Why the new replicas find no memory beside those that run, a line per service.

    All of them run at once, until the former are retired. A new one takes what the largest of its
    service has now, and at least what it reserves. Swap is not counted.
    """
    starting = [one for one in plans if one.starting]
    each = {one.service: _replica(one.service, target, facts) for one in starting}
    needed = sum(one.starting * each[one.service] for one in starting)
    if facts.memory is None or needed + SPARE <= facts.memory:
        return []
    return [
        _crowded(one, each[one.service], target.stack.service(one.service), facts.memory, starting)
        for one in starting
    ]


def scanty(target: Target, facts: Facts) -> list[str]:
    """Why a first deploy may find too little memory: what it builds, and then what it starts."""
    if facts.memory is None:
        return []
    services = target.stack.services
    free = _mib(facts.memory)
    needed = sum(one.replicas * (one.reserved or REPLICA) for one in services)
    found = []
    if any(one.build for one in services) and facts.memory < BUILD:
        found.append(
            f"memory: {free} are available, and a build may take {_mib(BUILD)} and more:"
            " add memory, or swap"
        )
    if needed + SPARE > facts.memory:
        found.append(
            f"memory: the services take about {_mib(needed)}, {free} are available, and"
            f" {_mib(SPARE)} must stay: more memory, fewer replicas or smaller reservations"
        )
    return found


def _crowded(
    one: Replacing, each: int, service: Service, free: int, starting: Sequence[Replacing]
) -> str:
    others = " for all that start" if len(starting) > 1 else ""
    less = ", a smaller reservation" if each == service.reserved else ""
    alone = f", --only {one.service}" if len(starting) > 1 else ""
    return (
        f"memory: {one.starting} new of {one.service} take about {_mib(one.starting * each)}"
        f" beside those that run, {_mib(free)} are available{others}, and {_mib(SPARE)} must stay:"
        f" more memory, fewer replicas{less}{alone}, or x-deploy.{one.service}.update: {{order:"
        f" stop-first}}, which has a gap; parallelism does not help"
    )


def _replica(name: str, target: Target, facts: Facts) -> int:
    """Bytes of memory that a new container of a service will have."""
    running = facts.containers_of(target.stack.project, name)
    most = max((facts.anonymous.get(one.id, 0) for one in running), default=0)
    return max(most, target.stack.service(name).reserved) or REPLICA


def _bytes(step: Step, target: Target, facts: Facts) -> int:
    """As much as the largest image of that name, be it of whatever commit."""
    if step.kind is Kind.PULL:
        return _largest(step.subject, facts)
    return BUILDS * _largest(target.images[step.subject].reference, facts)


def _largest(reference: str, facts: Facts) -> int:
    wanted = repository(reference)
    sizes = [size for name, size in facts.sizes.items() if repository(name) == wanted]
    return max(sizes, default=UNKNOWN)


def _mib(size: int) -> str:
    return f"{size >> 20} MiB"


def _gib(size: int) -> str:
    return f"{size / (1 << 30):.1f} GiB"
