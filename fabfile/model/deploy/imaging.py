"""The steps that bring the wanted images: pulled, built, tried once, and their names put right."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..facts import Facts
from ..stack import Service
from .content import passed_name
from .plan import Kind, Step, Target, Wish
from .reasons import has_passed, image_id


def image_steps(
    target: Target,
    facts: Facts,
    wish: Wish,
    left_out: Collection[str],
    migrating: Collection[str],
) -> list[Step]:
    """Pull and build what is missing, once per image; try what has not passed apart.

    That an image is there tells that it was built, not that it started. Where its replicas start
    beside those that serve, their deep probe tells that; but not before a migration, of the
    services ``migrating``.
    """
    moved = {target.images[name].reference for name in migrating}
    pulls, builds, smokes = [], [], []
    seen: set[str] = set()
    for service in target.stack.services:
        wanted = target.images[service.name]
        if service.name in left_out:
            continue
        there = bool(image_id(wanted.reference, facts))
        again = wish.rebuild and wanted.build is not None
        new = (not there or again) and wanted.reference not in seen
        seen.add(wanted.reference)
        if wanted.build is None:
            pulls += [Step(Kind.PULL, wanted.reference, "not on the server")] if new else []
            continue
        reason = "again, on fresh bases" if there else "not on the server"
        if new:
            builds.append(Step(Kind.BUILD, service.name, f"{wanted.reference} {reason}", again))
        trial = passed_name(wanted, service.hints.smoke)
        tried = not again and has_passed(service, target, facts)
        seen_start = service.beside and service.hints.probe and wanted.reference not in moved
        if service.hints.smoke and not seen_start and trial not in seen and not tried:
            seen.add(trial)
            which = "a new image" if again or not there else "an image that has not passed"
            smokes.append(Step(Kind.SMOKE, service.name, f"{which} starts once, apart"))
    return pulls + builds + smokes


def retags(
    target: Target, facts: Facts, touched: Sequence[Service], left_out: Collection[str]
) -> list[Step]:
    """Stable names that point elsewhere, of services that stay."""
    steps, seen = [], {target.images[service.name].stable for service in touched}
    for service in target.stack.services:
        wanted = target.images[service.name]
        if service.name in left_out or wanted.stable in seen:
            continue
        seen.add(wanted.stable)
        if facts.images.get(wanted.stable, "") != image_id(wanted.reference, facts):
            reason = "the name in the compose file was moved by hand"
            steps.append(Step(Kind.RETAG, service.name, reason))
    return steps
