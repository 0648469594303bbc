"""What a definition means, whichever compose resolved it: its own digest is another per version."""

from __future__ import annotations

import json
import re
from typing import Any

from ..access.envfile import digest
from ..facts import Facts
from ..release import Release
from ..stack import Service

UNSET: tuple[Any, ...] = (None, False, [], {})
"""What one version writes and another leaves out."""
TURNED = "create_host_path"
"""Compose before 5 writes it where it is true, later ones where it is false."""


def meaning(definition: Any) -> str:
    """A service's definition, as compose resolved it, in one form for all versions of compose."""
    return json.dumps(_bare(definition), sort_keys=True)


def upgraded(service: Service, last: Release, facts: Facts) -> str:
    """That compose is another one since a release and the definition is the same, in words."""
    before, now = last.compose, facts.compose
    said = last.meanings.get(service.name)
    if not before or before == now or said != digest(service.meaning, last.env_salt):
        return ""
    how = "upgraded" if _numbers(now) > _numbers(before) else "downgraded"
    return f"compose was {how} from {_short(before)} to {_short(now)}"


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _bare(one) for key, one in value.items() if key != TURNED}
        return {key: one for key, one in kept.items() if one not in UNSET}
    return [_bare(one) for one in value] if isinstance(value, list) else value


def _short(version: str) -> str:
    """Without what a distribution adds: ``2.26.1-4``."""
    return re.split("[-+~]", version)[0]


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall("[0-9]+", version)]
