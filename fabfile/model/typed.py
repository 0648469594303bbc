"""Values as a person types them behind an option, or in ``x-deploy``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from .errors import Trouble, refused
from .nearest import meant

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
DURATION = re.compile(r"([1-9][0-9]{0,4})([smhd])")
NUMBER = re.compile(r"[0-9]{1,9}")
SHARE = re.compile(r"([1-9][0-9]?)%")


def seconds(option: str, text: str) -> int:
    """``90s``, ``10m`` or ``1h`` in seconds; empty: 0. Exit code 2 for anything else."""
    found = _whole(DURATION, option, text, "duration: 90s, 10m or 1h")
    return int(found[1]) * UNITS[found[2]] if found else 0


def percent(option: str, text: str) -> int:
    """``10%`` as 10; empty: 0. Exit code 2 for anything else, all and nobody too."""
    found = _whole(SHARE, option, text, "share of the clients: 1% to 99%")
    return int(found[1]) if found else 0


def parse_instant(text: str) -> int:
    """An instant as ISO 8601 has it, UTC unless it says otherwise; exit code 2 when it is none."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise refused(
            f"{text!r} is no instant; one is, in UTC: 2026-11-23T14:30:00, or with +01:00 behind it"
        ) from None
    return int((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp())


def ago(option: str, text: str) -> str:
    """``10m``, or an instant, as ``docker logs`` takes it; empty: empty. Exit code 2 for others."""
    if not text or DURATION.fullmatch(text):
        return f"{seconds(option, text)}s" if text else ""
    try:
        return str(parse_instant(text))
    except Trouble:
        raise refused(
            f"{option} '{text}' is neither a time such as 90s, 10m or 1h nor an instant such as"
            " 2026-11-23T14:30:00 (UTC)"
        ) from None


def whole(option: str, text: str) -> int:
    """A number from 0 on. Exit code 2 for anything else."""
    if not NUMBER.fullmatch(text):
        raise refused(f"{option} '{text}' is no number from 0 on")
    return int(text)


def one_of(option: str, text: str, words: Sequence[str]) -> str:
    """One of these words, or empty. Exit code 2 for anything else."""
    if text and text not in words:
        choice = " or ".join(words)
        raise refused(f"{option} '{text}' is not {choice}{meant(text, words)}")
    return text


def _whole(pattern: re.Pattern[str], option: str, text: str, what: str) -> re.Match[str] | None:
    found = pattern.fullmatch(text)
    if text and not found:
        raise refused(f"{option} '{text}' is no {what}")
    return found
