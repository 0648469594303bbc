"""Who reads a key of ``.env``: what compose makes of the stack with two values of it, compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..reading import load

HINTS = "x-deploy"
STEERED = "COMPOSE_"
"""How keys begin that compose reads itself."""


def other_value(value: str, *, secret: bool) -> str:
    """Another value of the same kind, so that a number stays one; nothing of a secret is in it."""
    return "probe0" if secret else f"1{value}"


def readers(before: str, after: str, key: str) -> tuple[str, ...]:
    """Who reads ``key``; both texts are the resolved stack, with one and with another value of it.

    ``x-deploy of SERVICE``: a gate or a probe. ``volumes``, ``networks``: one of them.
    """
    old, new = load(before), load(after)
    found = _differing(old, new, "services")
    found += _uses(old, key, _changed_files(old, new))
    found += [
        f"{HINTS} of {name}"
        for name, hints in (old.get(HINTS) or {}).items()
        if hints != (new.get(HINTS) or {}).get(name) or _named(hints, key)
    ]
    found += [kind for kind in ("networks", "volumes") if _differing(old, new, kind)]
    return tuple(dict.fromkeys(found))


def _differing(old: Mapping[str, Any], new: Mapping[str, Any], part: str) -> list[str]:
    one, other = old.get(part) or {}, new.get(part) or {}
    return [name for name in {**one, **other} if one.get(name) != other.get(name)]


def _changed_files(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, list[str]]:
    return {kind: _differing(old, new, kind) for kind in ("configs", "secrets")}


def _uses(model: Mapping[str, Any], key: str, changed: Mapping[str, list[str]]) -> Iterator[str]:
    """The services with a config or secret that is made of the key."""
    for name, service in model["services"].items():
        for kind, differing in changed.items():
            for entry in service.get(kind) or []:
                source = entry["source"]
                definition = (model.get(kind) or {}).get(source) or {}
                if source in differing or definition.get("environment") == key:
                    yield name


def _named(hints: Any, key: str) -> bool:
    """Whether a hint names the key, as ``bearer`` does."""
    if isinstance(hints, dict):
        return hints.get("bearer") == key or any(_named(one, key) for one in hints.values())
    return isinstance(hints, list) and any(_named(one, key) for one in hints)
