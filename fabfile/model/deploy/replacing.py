"""Replacing the replicas of a service: who stays, how many start beside them, who leaves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..facts import Container, Facts
from ..image_names import repository
from ..stack import Service, Stack


@dataclass(frozen=True)
class Replacing:
    """What becomes of the containers of one service, by their ids."""

    service: str
    serving: tuple[str, ...] = ()
    """They get the requests now."""
    kept: tuple[str, ...] = ()
    """They are as wanted, and stay."""
    starting: int = 0
    """How many new ones start beside them."""
    leaving: tuple[str, ...] = ()
    """They are stopped and removed once nobody asks them any more."""

    @property
    def trying(self) -> bool:
        """Whether there are new ones beside those that get the requests now."""
        return bool(self.serving and (self.starting or {*self.kept} - {*self.serving}))


def former_replicas(service: Service, stack: Stack, facts: Facts) -> list[Container]:
    """Containers of services that are no longer in the stack, which run what this one runs.

    So a stack that wrote its replicas as a service each comes over, and goes back. Only of images
    that are built here, and of services that a release deployed, or tried to.
    """
    if service.build is None:
        return []
    deployed = {name for release in facts.releases for name in release.definitions}
    names = {one.name for one in stack.services}
    ids = {
        identity for tag, identity in facts.images.items() if repository(tag) == service.repository
    }
    return [
        container
        for container in facts.containers
        if container.project == stack.project
        and container.service in deployed - names
        and container.image in ids
    ]


def taken_over(service: Service, stack: Stack, facts: Facts) -> list[Container]:
    """The former replicas that leave once the service serves: it is new, and comes in their place.

    Those are of ``api-1`` and ``api-2`` for ``api``, and the other way round. Of a service that the
    last release had already, or that has another name, they are orphans like others.
    """
    last = facts.verified
    if last is not None and service.name in last.definitions:
        return []
    former = former_replicas(service, stack, facts)
    return [one for one in former if _numbered(service.name, one.service)]


def _numbered(one: str, other: str) -> bool:
    """Whether one of two names is the other with a number behind it."""
    short, long = sorted((one, other), key=len)
    return re.fullmatch(rf"{re.escape(short)}-[0-9]+", long) is not None


def replacing(
    service: Service, stack: Stack, facts: Facts, as_wanted: Sequence[Container]
) -> Replacing:
    """The containers of a service that come, stay and go. ``as_wanted``: those that may stay."""
    asked = facts.serving(stack.project, service.name)
    # Who is asked may be on its way up, as after a reboot; nobody else is asked before it is well.
    wanted = [
        c for c in as_wanted if c.state == "running" and (c in asked or c.health in ("", "healthy"))
    ]
    # Who is asked already stays first: each new one costs a start.
    first = sorted(wanted, key=lambda c: c not in asked)
    kept = first[: service.replicas]
    leaving = [c for c in facts.containers_of(stack.project, service.name) if c not in kept]
    leaving += taken_over(service, stack, facts)
    return Replacing(
        service.name,
        serving=tuple(c.id for c in asked),
        kept=tuple(c.id for c in kept),
        starting=service.replicas - len(kept),
        leaving=tuple(c.id for c in leaving),
    )
