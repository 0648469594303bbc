"""Words of others, so that whoever shows them shows words and nothing else."""

from __future__ import annotations

import unicodedata


def visible(text: str) -> str:
    """What cannot be seen (controls, changes of direction, halves of a character) by its number."""
    return "".join(
        one if one in " \t" or unicodedata.category(one)[0] not in "CZ" else _number(one)
        for one in text
    )


def _number(one: str) -> str:
    return one.encode("unicode_escape").decode("ascii")
