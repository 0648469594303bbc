"""Versions of the programs on a server."""

from __future__ import annotations

COMPOSE = (2, 20)
"""Oldest compose that reads ``start_interval`` and ``include``."""


def version(text: str) -> tuple[int, ...]:
    """The first two numbers of a version; ``(0,)`` for text that is none."""
    parts = text.lstrip("v").split(".")[:2]
    return tuple(int(part) for part in parts) if "".join(parts).isdecimal() else (0,)
