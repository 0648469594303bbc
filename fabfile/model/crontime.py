"""When cron starts something: its five fields, as a person writes them."""

from __future__ import annotations

import re

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, MONTHS),
    ("day of the week", 0, 7, DAYS),
)
"""Name, least and greatest number, and the words that stand for the numbers from the least on."""
PART = re.compile(r"(?:\*|(\w+)(?:-(\w+))?)(?:/([1-9][0-9]{0,2}))?", re.ASCII)


def wrong(text: str) -> str:
    """Why cron would not take this, or would never come to it; empty: it does."""
    fields = text.split()
    if len(fields) != len(FIELDS) or text != " ".join(fields):
        return "it is not five fields with a blank between them: minute hour day month weekday"
    for field, (name, least, most, words) in zip(fields, FIELDS, strict=True):
        for part in field.split(","):
            if not _right(part, least, most, words):
                return f"'{part}' is no {name} ({least} to {most}, *, 1-5, */15, with commas)"
    return ""


def _right(part: str, least: int, most: int, words: tuple[str, ...]) -> bool:
    found = PART.fullmatch(part)
    if not found:
        return False
    first, last, step = found.groups()
    numbers = [_number(one, least, words) for one in (first, last) if one]
    steps = first is None or last is not None or step is None  # cron takes 5/15 for 5 alone
    inside = all(least <= one <= most for one in numbers)
    return steps and inside and numbers == sorted(numbers)


def _number(text: str, least: int, words: tuple[str, ...]) -> int:
    if text.lower() in words:
        return words.index(text.lower()) + least
    return int(text) if text.isdigit() else -1
