"""What a resolved stack may say: what nobody here would carry out is named, never passed over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

TOP = frozenset({"name", "services", "networks", "volumes", "configs", "secrets"})
SHARED = ("network_mode", "ipc", "pid")
"""Keys by which a service lives in another container, which a roll of that one would end."""
PULLS = frozenset({"", "missing", "if_not_present", "never"})


def not_understood(model: Mapping[str, Any]) -> tuple[str, ...]:
    """A line for each part of a resolved stack that a deploy would leave undone."""
    found = [
        f"the stack has '{key}', which this collection does not carry out: remove it"
        for key in sorted(set(model) - TOP)
        if not key.startswith("x-")
    ]
    for name, raw in model["services"].items():
        found += [f"service {name}: {text}" for text in _of_service(raw)]
    return tuple(found)


def _of_service(raw: Mapping[str, Any]) -> Iterator[str]:
    if not replicas(raw):
        yield "0 replicas: use a profile to leave it out"
    if "provider" in raw:
        yield "a provider runs it, and no container: remove it"
    if raw.get("models"):  # compose leaves the section itself out of what it resolves
        yield "models are run by the engine, not carried out here: remove them"
    if raw.get("label_file"):
        yield "label_file is read in the old checkout: write labels"
    for key in SHARED:
        kind, colon, other = str(raw.get(key, "")).partition(":")
        if colon and kind in ("service", "container"):
            yield f"{key} is that of {other}, and ends when {other} is replaced: give it its own"
    if raw.get("volumes_from"):
        yield "volumes_from follows another container: name the volumes"
    if raw.get("pull_policy", "") not in PULLS:
        yield (
            f"pull_policy {raw['pull_policy']} would run another image than the one that was"
            " prepared: remove it"
        )


def replicas(raw: Mapping[str, Any]) -> int:
    """How many containers a service is to have."""
    deploy = raw.get("deploy") or {}
    return int(deploy.get("replicas", raw.get("scale", 1)))
