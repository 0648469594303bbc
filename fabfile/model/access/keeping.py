"""The encrypted copy of an ``.env``: what SOPS can keep of a text, and whether it hides it."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO

from dotenv.parser import parse_stream

from ..errors import refused

ENCRYPTED = "sops_mac="
"""Begins a line of each file that SOPS encrypted in the format of an ``.env``."""


def storable(text: str) -> str:
    """The text as SOPS keeps it: without blank lines, and each line from its first sign on.

    Exit code 2 for a value of several lines, which SOPS would read as several keys.
    """
    lines = []
    for binding in parse_stream(StringIO(text)):
        said = binding.original.string.strip()
        if binding.key is not None and "\n" in said:
            raise refused(f"{binding.key}: SOPS keeps no value of several lines; make it one line")
        lines += [line.strip() for line in said.split("\n") if line.strip()]
    for line in lines:
        if "=" not in line and not line.startswith("#"):
            raise refused(".env has a line that is not KEY=value; fab env.check names it")
    return "".join(f"{line}\n" for line in lines)


def shown(encrypted: str, values: Sequence[str]) -> bool:
    """Whether one of these values can be read in what was encrypted."""
    return any(len(value) > SHORT and value in encrypted for value in values)


SHORT = 5
"""Characters of a value that may stand anywhere by chance."""
