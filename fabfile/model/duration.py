"""Durations as compose writes them."""

from __future__ import annotations

import re

PRINTED = re.compile(r"([0-9.]+)(h|ms|m|us|µs|ns|s)")
SECONDS = {"h": 3600, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
LENGTH = re.compile(r"([0-9]{1,4}[hms])+")
"""What :func:`length` reads, in whole seconds."""


def length(text: str) -> float:
    """``1m30s`` or ``500ms`` in seconds, as compose prints a duration."""
    return sum(float(number) * SECONDS[unit] for number, unit in PRINTED.findall(text))
