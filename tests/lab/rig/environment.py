"""The ``.env`` of each server, filled from ``.env.example`` with secrets of this lab's own."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping

from fabfile.model.envfile import Rule, schema

from .docker import LabError
from .place import Place

SMALL: Mapping[str, str] = {
    # Limits for two servers on one small machine, and no browser.
    "RESOLVER_CPUS": "0.5",
    "RESOLVER_MEMORY": "512M",
    "RESOLVER_RESERVED_CPUS": "0.1",
    "RESOLVER_RESERVED_MEMORY": "64M",
    "RU_FETCHER_MODE": "stub",
}


def fill(place: Place, server: str, known: Mapping[str, str | None]) -> str:
    """The text of a server's ``.env``; in ``known`` None leaves a key out.

    Raises LabError for a required key that is neither a secret nor known here.
    """
    values: dict[str, str | None] = dict.fromkeys(known)
    for rule in _rules(place):
        if rule.applies_to(server):
            values[rule.key] = SMALL.get(rule.key, rule.default)
            if rule.required and not rule.default and rule.key not in known:
                values[rule.key] = _secret(place, rule)
    values |= known
    return "".join(f"{key}={value}\n" for key, value in values.items() if value is not None)


def has_schema(place: Place) -> bool:
    """Whether the checkout says what belongs into an ``.env``."""
    return (place.root / ".env.example").exists()


def _rules(place: Place) -> tuple[Rule, ...]:
    return schema((place.root / ".env.example").read_text())


def _secret(place: Place, rule: Rule) -> str:
    """The lab's secret for a key: the same on every server and as long as the lab lives."""
    if not rule.secret:
        raise LabError(f".env.example wants {rule.key}, for which the lab has no value")
    file = place.folder / "secrets.json"
    kept: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    if rule.key not in kept:
        kept[rule.key] = secrets.token_hex(32)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            json.dump(kept, out, indent=1)
    return kept[rule.key]
