"""The disk budget: what a plan will put on the engine's disk, told before anything is fetched."""

from __future__ import annotations

from collections.abc import Iterable

from ..facts import Facts
from ..image_names import repository
from .plan import Kind, Step, Target

MINIMUM_FREE = 1 << 30
"""Bytes that must stay free on every file system that a deploy writes to (1 GiB)."""
UNKNOWN = 1 << 29
"""Bytes that an image is taken for when none of its name is here yet (512 MiB)."""
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


def _bytes(step: Step, target: Target, facts: Facts) -> int:
    """As much as the largest image of that name, be it of whatever commit."""
    if step.kind is Kind.PULL:
        return _largest(step.subject, facts)
    return BUILDS * _largest(target.images[step.subject].reference, facts)


def _largest(reference: str, facts: Facts) -> int:
    wanted = repository(reference)
    sizes = [size for name, size in facts.sizes.items() if repository(name) == wanted]
    return max(sizes, default=UNKNOWN)


def _gib(size: int) -> str:
    return f"{size / (1 << 30):.1f} GiB"
