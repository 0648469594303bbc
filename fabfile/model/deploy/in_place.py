"""Which services are replaced in place, or made, and in which order."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..facts import Facts
from ..stack import Service
from .plan import Target


def in_place(
    target: Target,
    facts: Facts,
    touched: Sequence[Service],
    started: Collection[str],
    *,
    before: bool,
) -> list[Service]:
    """New services first, so that the proxy's new configuration finds every name.

    Then those that serve nobody, so that those that do are there meanwhile. What depends on a
    service that is replaced beside (``started``) comes after that: compose converges what it
    depends on. So does the proxy, which must find who is new. ``before``: those before that.
    """
    stack = target.stack
    late = stack.depending({*started})
    late |= {one.name for one in stack.services if one.hints.proxy and started}
    rolled = [
        service
        for service in touched
        if not (service.hints.keep or service.name in started) and (service.name in late) != before
    ]
    live = {one.name for one in rolled if facts.container(stack.project, one.name)}
    new = [s for s in rolled if s.name not in live and not live & set(s.depends_on)]
    down = [s for s in rolled if s not in new and _down(s, target, facts)]
    return [*new, *down, *(s for s in rolled if s not in new and s not in down)]


def _down(service: Service, target: Target, facts: Facts) -> bool:
    """Whether its container serves nobody now: replacing it takes nothing from anybody."""
    container = facts.container(target.stack.project, service.name)
    return container is not None and (
        container.state != "running" or container.health not in ("", "healthy")
    )


def is_born(service: Service, target: Target, facts: Facts) -> bool:
    """Whether a service that others may ask has no container yet."""
    there = facts.container(target.stack.project, service.name)
    return not (there or service.completes or service.hints.proxy)
