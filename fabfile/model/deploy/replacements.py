"""Which services are replaced beside, and what becomes of the containers of each."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ..commit import Commit
from ..facts import Facts
from .plan import Target, Wish
from .reasons import as_wanted
from .replacing import Replacing, replacing


def replacements(
    target: Target,
    facts: Facts,
    commit: Commit,
    wish: Wish,
    reasons: Collection[str],
    left_out: Collection[str],
) -> tuple[Replacing, ...]:
    """Each service that is replaced beside, or was half way; no container leaves twice.

    Also one that cannot stand beside itself and comes in the place of others. ``reasons``: the
    services that must be touched.
    """
    stack = target.stack
    found: list[Replacing] = []
    gone: set[str] = set()
    for service in stack.services:
        if not (service.beside or service.moves) or service.name in left_out:
            continue
        again = (wish.rebuild and service.build is not None) or wish.restarts(service)
        may_stay = as_wanted(service, target, facts, commit) if not again else []
        one = replacing(service, stack, facts, may_stay)
        half_way = one.succeeds or one.misnamed or service.name in facts.pinned
        if service.beside:
            counts = half_way or service.name in reasons or bool(one.leaving)
        else:
            there = facts.container(stack.project, service.name)
            counts = half_way and bool(one.kept or not there)
        if counts:
            leaving = tuple(identity for identity in one.leaving if identity not in gone)
            gone |= {*leaving}
            found.append(replace(one, leaving=leaving))
    return tuple(found)
