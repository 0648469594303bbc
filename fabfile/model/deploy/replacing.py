"""Replacing the replicas of a service: who stays, how many start beside them, who leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..facts import SHORT, Container, Facts
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


def serving(facts: Facts, project: str, service: str) -> list[Container]:
    """The running containers of a service that get requests.

    Those that the proxy names one by one; where it names the service, all of them.
    """
    running = [c for c in facts.containers_of(project, service) if c.state == "running"]
    pinned = facts.pinned.get(service)
    return [c for c in running if pinned is None or c.id[:SHORT] in pinned]


def one_of(facts: Facts, project: str, service: str) -> Container | None:
    """A container of a service, if there is one: rather one that gets requests."""
    asked = serving(facts, project, service)
    return asked[0] if asked else facts.container(project, service)


def replacing(
    service: Service, stack: Stack, facts: Facts, as_wanted: Sequence[Container]
) -> Replacing:
    """The containers of a service that come, stay and go. ``as_wanted``: those that may stay."""
    asked = serving(facts, stack.project, service.name)
    wanted = [c for c in as_wanted if c.state == "running" and c.health in ("", "healthy")]
    # Who is asked already stays first: each new one costs a start.
    first = sorted(wanted, key=lambda c: c not in asked)
    kept = first[: service.replicas]
    leaving = [c for c in facts.containers_of(stack.project, service.name) if c not in kept]
    return Replacing(
        service.name,
        serving=tuple(c.id for c in asked),
        kept=tuple(c.id for c in kept),
        starting=service.replicas - len(kept),
        leaving=tuple(c.id for c in leaving),
    )
