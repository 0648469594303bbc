"""A share of the clients, as a person types it."""

from __future__ import annotations

import re

from .errors import refused

SHARE = re.compile(r"([1-9][0-9]?)%")


def percent(option: str, text: str) -> int:
    """``10%`` as 10; empty: 0. Exit code 2 for anything else, all and nobody too."""
    if not text:
        return 0
    found = SHARE.fullmatch(text)
    if not found:
        raise refused(f"{option} '{text}' is no share of the clients: 1% to 99%")
    return int(found[1])
