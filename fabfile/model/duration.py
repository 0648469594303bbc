"""Durations as a person types them, and as compose prints them."""

from __future__ import annotations

import re

from .errors import refused

UNITS = {"s": 1, "m": 60, "h": 3600}
PRINTED = re.compile(r"([0-9.]+)(h|ms|m|us|µs|ns|s)")
SECONDS = {"h": 3600, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
LENGTH = re.compile(r"([0-9]{1,4}[hms])+")
"""What :func:`length` reads, in whole seconds."""
DURATION = re.compile(r"([1-9][0-9]{0,4})([smh])")


def seconds(option: str, text: str) -> int:
    """``90s``, ``10m`` or ``1h`` in seconds; empty: 0. Exit code 2 for anything else."""
    if not text:
        return 0
    found = DURATION.fullmatch(text)
    if not found:
        raise refused(f"{option} '{text}' is no duration: 90s, 10m or 1h")
    return int(found[1]) * UNITS[found[2]]


def length(text: str) -> float:
    """``1m30s`` or ``500ms`` in seconds, as compose prints a duration."""
    return sum(float(number) * SECONDS[unit] for number, unit in PRINTED.findall(text))
