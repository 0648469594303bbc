r"""Text that others wrote, as a terminal may safely get it.

A commit's subject, a log line or an error of another program may hold escape sequences that rename
the window, move the cursor or write to the clipboard, and letters that turn the reading direction.
They are shown by their codes instead: ``\x1b``, ``\u202e``.
"""

from __future__ import annotations

import re
import unicodedata

COLOUR = re.compile(r"\x1b\[[0-9;:]*[mK]")
"""What sets a colour or clears the rest of a line; it is left out."""
JOINERS = "\u200c\u200d"
"""Invisible, but part of words and emoji."""


def visible(text: str) -> str:
    """``text`` on one line, without anything that a terminal would obey instead of show."""
    if text.isprintable():
        return text
    return "".join(map(_shown, COLOUR.sub("", text)))


def visible_json(text: str) -> str:
    r"""JSON text in which each letter that a terminal would obey is JSON's own ``\uXXXX``."""
    return "".join(
        letter if letter.isprintable() or letter == "\n" else _code(letter) for letter in text
    )


def _shown(letter: str) -> str:
    if letter.isprintable() or letter in JOINERS or unicodedata.category(letter) == "Zs":
        return letter
    return " " if letter == "\t" else letter.encode("unicode_escape").decode("ascii")


def _code(letter: str) -> str:
    """UTF-16, as JSON counts letters."""
    units = letter.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))
