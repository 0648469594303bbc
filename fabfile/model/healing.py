"""Healing: which replica of a stack is restarted by itself, because it stays unhealthy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .errors import Trouble, refused
from .facts import Container, Facts
from .reading import Instant, load, make
from .stack import Heal, Stack
from .typed import seconds

KEY = "heal"
"""Where it stands under ``x-deploy``, unless a service is called so."""
HOUR = 3600
LEAST, MOST = 10, HOUR
"""Seconds that ``unhealthy`` may be."""
OFTEN = 20
"""The most that ``at_most`` may be."""


@dataclass(frozen=True)
class Healing:
    """What is remembered from one look to the next, by the server's clock."""

    unhealthy: Mapping[str, Instant] = field(default_factory=dict)
    """Id of a container → since when it was seen to be unhealthy at each look."""
    healed: tuple[Instant, ...] = ()
    """When replicas were restarted, within the last hour."""

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    def seen(self, facts: Facts, stack: Stack) -> Healing:
        """The same after another look."""
        ill = [one for one in _replicas(facts, stack) if one.health == "unhealthy"]
        since = {one.id: self.unhealthy.get(one.id, facts.now) for one in ill}
        return Healing(since, tuple(at for at in self.healed if facts.now - at < HOUR))

    def without(self, container: str) -> dict[str, int]:
        """Since when others are unhealthy."""
        return {one: at for one, at in self.unhealthy.items() if one != container}

    def due(self, facts: Facts, stack: Stack, heal: Heal) -> Container | None:
        """The replica that has been unhealthy for too long, and longest; None: there is none."""
        long = {one: at for one, at in self.unhealthy.items() if facts.now - at >= heal.unhealthy}
        found = [one for one in _replicas(facts, stack) if one.id in long]
        return min(found, key=lambda one: long[one.id], default=None)


def parse_healing(text: str) -> Healing:
    """Read the file; what cannot be read was never seen."""
    try:
        return make(Healing, load(text)) if text else Healing()
    except ValueError:
        return Healing()


def waits(facts: Facts) -> str:
    """Why nothing is healed now; empty: nothing is in the way."""
    if facts.freeze:
        return str(facts.freeze)
    if facts.maintenance:
        return str(facts.maintenance)
    return f"another change is running: {facts.holder}" if facts.holder else ""


def _replicas(facts: Facts, stack: Stack) -> list[Container]:
    """The running containers of what may be touched unasked: no data, not the proxy."""
    services = [one for one in stack.services if not (one.hints.keep or one.hints.proxy)]
    found = [c for one in services for c in facts.containers_of(stack.project, one.name)]
    return [one for one in found if one.state == "running"]


def parse_heal(raw: Any) -> Heal | None:
    """Read it; exit code 2 for what is not understood. None: nothing is healed."""
    where = f"x-deploy.{KEY}"
    if raw is None:
        return None
    if not isinstance(raw, Mapping) or not {"unhealthy"} <= set(raw) <= {"unhealthy", "at_most"}:
        raise refused(f"{where}: {raw!r} is not such as {{unhealthy: 2m, at_most: 3}}")
    length = seconds(f"{where}.unhealthy", str(raw["unhealthy"]))
    if not LEAST <= length <= MOST:
        raise refused(f"{where}.unhealthy: {raw['unhealthy']!r} is not between 10s and 1h")
    most = raw.get("at_most", Heal.at_most)
    if type(most) is not int or not 1 <= most <= OFTEN:
        raise refused(f"{where}.at_most: {most!r} is no number from 1 to {OFTEN}")
    return Heal(length, most)


def known_heal(raw: Any) -> Heal | None:
    """The same of a release that another collection deployed."""
    try:
        return parse_heal(raw)
    except Trouble:
        return None
