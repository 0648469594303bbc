"""Explaining a key of ``.env``: where its value comes from, what it must be, and who reads it."""

from __future__ import annotations

import secrets
from typing import Any

from ...model.access.comparing import demands, short
from ...model.access.envedit import require_key, written
from ...model.access.readers import STEERED, other_value, readers
from ...model.deploy.way_back import changed_keys
from ...remote import settings
from ..session import Session, side_by_side
from .inspecting import Settings, deployed, meant


def explain(session: Session, key: str, name: str, *, as_json: bool) -> None:
    """Where a key of ``.env`` comes from, what it must be, and who reads it; on each server."""
    require_key(key)
    names = meant(session, name)
    salt = secrets.token_hex()
    found = side_by_side(lambda one: _explained(deployed(session, one), key, salt), names)
    if as_json:
        session.console.result(found)
        return
    for one, told in found.items():
        for label, text in told.items():
            if text:
                said = ", ".join(text) if isinstance(text, list) else text
                session.console.line(one, f"{label}: {said}", hang=2)


def _explained(seen: Settings, key: str, salt: str) -> dict[str, Any]:
    rule, values = seen.rule(key), seen.values
    value = values.get(key)
    place = str(settings.env(seen.host))
    if value is None:
        source = f"not in {place}: the compose file's own default, if it has one"
    elif value:
        source = f"{place}, {len(value)} characters, digest {short(value, salt)}"
    else:
        source = f"{place}, empty"
    last = seen.facts.verified
    changed = changed_keys(last, values) if last else []
    return {
        "key": key,
        "source": source,
        "demanded": demands(rule) if rule else ["nothing: it is not in .env.example"],
        "default": rule.default if rule and not rule.secret else "",
        "runs": "another value: it was changed since the last release" if key in changed else "",
        "readers": list(read_by(seen, key)),
    }


def read_by(seen: Settings, key: str) -> tuple[str, ...]:
    """Who reads a key of what is deployed."""
    if key.startswith(STEERED):
        return ("compose itself",)
    rule = seen.rule(key)
    probe = other_value(seen.values.get(key, ""), secret=rule is None or rule.secret)
    return readers(*settings.with_and_without(seen.host, written(key, probe)), key)
