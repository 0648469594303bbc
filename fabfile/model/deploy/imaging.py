"""The steps that bring the wanted images: pulled, built, tried once, and their names put right."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..facts import Facts
from ..inventory import ITSELF
from ..stack import Service
from .content import passed_name
from .elsewhere import shown
from .plan import Kind, Step, Target, Wish
from .reasons import has_passed, image_id


def image_steps(
    target: Target, facts: Facts, wish: Wish, left_out: Collection[str], builder: str
) -> list[Step]:
    """Pull and build what is missing, once per image. ``builder``: see :class:`Server`."""
    where = "" if builder == ITSELF else f"; built on {shown(builder)}"
    pulls, builds = [], []
    seen: set[str] = set()
    for service in target.stack.services:
        wanted = target.images[service.name]
        if service.name in left_out or wanted.reference in seen:
            continue
        seen.add(wanted.reference)
        there = bool(image_id(wanted.reference, facts))
        again = wish.rebuild and wanted.build is not None
        if there and not again:
            continue
        if wanted.build is None:
            pulls.append(Step(Kind.PULL, wanted.reference, "not on the server"))
        else:
            reason = "again, on fresh bases" if there else "not on the server"
            builds.append(
                Step(Kind.BUILD, service.name, f"{wanted.reference} {reason}{where}", again)
            )
    return pulls + builds


def smoke_steps(
    target: Target,
    facts: Facts,
    wish: Wish,
    left_out: Collection[str],
    migrating: Collection[str],
) -> list[Step]:
    """Try what has not passed apart: that an image is there tells that it was built, no more.

    Where its replicas start beside those that serve, their deep probe tells whether it starts; but
    not before a migration, of the services ``migrating``.
    """
    moved = {target.images[name].reference for name in migrating}
    smokes = []
    seen: set[str] = set()
    for service in target.stack.services:
        wanted = target.images[service.name]
        if service.name in left_out or wanted.build is None or not service.hints.smoke:
            continue
        trial = passed_name(wanted, service.hints.smoke)
        tried = not wish.rebuild and has_passed(service, target, facts)
        if (service.probed_first and wanted.reference not in moved) or trial in seen or tried:
            continue
        seen.add(trial)
        new = wish.rebuild or not image_id(wanted.reference, facts)
        which = "a new image" if new else "an image that has not passed"
        when = ", where a migration is pending" if service.probed_first else ""
        smokes.append(Step(Kind.SMOKE, service.name, f"{which} starts once, apart{when}"))
    return smokes


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
