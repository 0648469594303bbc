"""Manifests are read as if a stranger had written them: every value has its kind and its bounds.

Everything here raises ValueError, TypeError or KeyError for what is not as it should be;
:data:`WRONG` has them all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .. import reading

WRONG = (ValueError, TypeError, KeyError)
LONGEST = 4 << 20
"""Characters of a manifest; one of ten thousand tables has a quarter of that."""
LAST = 253_402_300_799
"""The end of the year 9999: what a calendar knows."""


def load(text: str) -> dict[str, Any]:
    """A JSON object."""
    if len(text) > LONGEST:
        raise ValueError("too long")
    raw = reading.load(text)
    if not isinstance(raw, dict):
        raise TypeError("not an object")
    return raw


def only(raw: Any, keys: frozenset[str]) -> Mapping[str, Any]:
    """An object with exactly these keys."""
    if not isinstance(raw, dict) or raw.keys() != keys:
        raise ValueError("other keys")
    return raw


def text(value: Any, longest: int = 2000) -> str:
    """Text that can be written down."""
    if not isinstance(value, str) or len(value) > longest:
        raise ValueError("not a text")
    value.encode()  # half a character cannot
    return value


def match(pattern: re.Pattern[str], value: Any) -> str:
    """Text of that shape, the whole of it."""
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError("another shape")
    return value


def natural(value: Any, most: int = 1 << 53) -> int:
    """A whole number from zero on."""
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError("not a number")
    return value


def time(value: Any) -> int:
    """Seconds since 1970."""
    return natural(value, LAST)
