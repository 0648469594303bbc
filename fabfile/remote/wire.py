"""What Invoke is given to carry and gives back: text as bytes."""

from __future__ import annotations

WIRE = "latin-1"
"""Encoding given to Invoke, which decodes every chunk by itself: it must have one byte a letter."""


def to_wire(text: str) -> str:
    """UTF-8 as :data:`WIRE` carries it."""
    return text.encode("utf-8").decode(WIRE)
