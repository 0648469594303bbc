"""Values as a person types them behind an option, or in ``x-deploy``."""

from __future__ import annotations

import re

from .errors import refused

UNITS = {"s": 1, "m": 60, "h": 3600}
DURATION = re.compile(r"([1-9][0-9]{0,4})([smh])")
SHARE = re.compile(r"([1-9][0-9]?)%")


def seconds(option: str, text: str) -> int:
    """``90s``, ``10m`` or ``1h`` in seconds; empty: 0. Exit code 2 for anything else."""
    found = _whole(DURATION, option, text, "duration: 90s, 10m or 1h")
    return int(found[1]) * UNITS[found[2]] if found else 0


def percent(option: str, text: str) -> int:
    """``10%`` as 10; empty: 0. Exit code 2 for anything else, all and nobody too."""
    found = _whole(SHARE, option, text, "share of the clients: 1% to 99%")
    return int(found[1]) if found else 0


def _whole(pattern: re.Pattern[str], option: str, text: str, what: str) -> re.Match[str] | None:
    found = pattern.fullmatch(text)
    if text and not found:
        raise refused(f"{option} '{text}' is no {what}")
    return found
