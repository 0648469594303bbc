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
    succeeds: bool = False
    """Whether it comes in the place of containers of other services."""
    misnamed: bool = False
    """Whether a container of it has the name that a run gave it to make room for another."""

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
    """The former replicas that leave once the service serves: it comes in their place.

    Those are of ``api-1`` and ``api-2`` for ``api``, and the other way round. Where the last
    release had the service already, it is those that a run has made since, which did not pass. All
    others are orphans.
    """
    former = [
        one
        for one in former_replicas(service, stack, facts)
        if _numbered(service.name, one.service)
    ]
    last = facts.verified
    if last is None or service.name not in last.definitions or service.name in facts.pinned:
        return former
    return [one for one in former if one.service in _not_passed(facts)]


def _not_passed(facts: Facts) -> set[str]:
    """The services that only runs since the last release that passed had."""
    names: set[str] = set()
    for release in reversed(facts.releases):
        if release.passed:
            return names - set(release.definitions)
        names |= set(release.definitions)
    return names


def _numbered(one: str, other: str) -> bool:
    """Whether one of two names is the other with a number behind it."""
    short, long = sorted((one, other), key=len)
    return re.fullmatch(rf"{re.escape(short)}-[0-9]+", long) is not None


def _called(service: Service, name: str) -> bool:
    """Whether a container's name is one of the service's; which number it has is all the same."""
    if service.fixed or name == service.container:
        return name == service.container
    return (
        re.fullmatch(rf"{re.escape(service.container.removesuffix('1'))}[0-9]+", name) is not None
    )


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
    own = facts.containers_of(stack.project, service.name)
    former = taken_over(service, stack, facts)
    leaving = [*(c for c in own if c not in kept), *former]
    return Replacing(
        service.name,
        serving=tuple(c.id for c in asked),
        kept=tuple(c.id for c in kept),
        starting=service.replicas - len(kept),
        leaving=tuple(c.id for c in leaving),
        succeeds=bool(former),
        misnamed=any(not _called(service, c.name) for c in kept),
    )
