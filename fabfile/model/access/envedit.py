"""Changing an ``.env``: one line as python-dotenv and compose both read it, the rest untouched."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO

from dotenv.parser import parse_stream

from ..errors import refused
from .envfile import KEY, parse

PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=~-]*")
CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\ufffd\ufeff]")
"""What no value may hold: it would be another line, or not be the same text when it is read."""
ESCAPES = re.compile(r"\\(?:[\\']|$)")
"""Backslashes that one reader of a value in single quotes takes away, and another does not."""


@dataclass(frozen=True)
class Changed:
    """The keys in which one ``.env`` differs from another; never a value."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(sorted((*self.added, *self.changed, *self.removed)))

    def lines(self) -> list[str]:
        """What would change, a line for each kind of change."""
        kinds = (("added", self.added), ("changed", self.changed), ("removed", self.removed))
        return [f"{kind}: {', '.join(keys)}" for kind, keys in kinds if keys]


def require_key(key: str) -> None:
    """Exit code 2 for what cannot be a key of ``.env``."""
    if not KEY.fullmatch(key):
        raise refused("a key of .env is written in A-Z, 0-9 and _, and begins with no digit")


def written(key: str, value: str) -> str:
    """The line that gives ``key`` this value; exit code 2 where readers would differ about it."""
    if CONTROL.search(value):
        raise refused(f"{key}: its value has a line break or another character that is no text")
    if PLAIN.fullmatch(value):
        return f"{key}={value}\n"
    if "'" not in value and not ESCAPES.search(value):
        return f"{key}='{value}'\n"
    if not any(sign in value for sign in '"\\$`'):
        return f'{key}="{value}"\n'
    raise refused(
        f"{key}: its value has a quote or a backslash that compose and others read differently;"
        " make one without"
    )


def with_value(text: str, key: str, value: str) -> str:
    """The text of an ``.env`` with another value for a key, which stands once in it then.

    All else stays as it is, comments too. A key that is not there is added at the end.
    """
    line, parts, there = written(key, value), [], False
    for binding in parse_stream(StringIO(text)):
        whole = binding.original.string
        if binding.key != key or binding.error:
            parts.append(whole)
            continue
        parts.append(whole[: len(whole) - len(whole.lstrip())])
        if not there:
            parts.append(line)
        there = True
    made = "".join(parts)
    if not there:
        made = made + "\n" * bool(made and not made.endswith("\n")) + line
    before, after = dict(parse(text).values), dict(parse(made).values)
    if after != {**before, key: value}:
        raise refused(f"{key} cannot be set: .env has a line before it that is not KEY=value")
    return made


def with_values(text: str, values: Mapping[str, str]) -> str:
    """The text of an ``.env`` with other values for several keys."""
    for key, value in values.items():
        text = with_value(text, key, value)
    return text


def changed(before: str, after: str) -> Changed:
    """In which keys one text of an ``.env`` differs from another."""
    old, new = parse(before).values, parse(after).values
    return Changed(
        tuple(sorted(new.keys() - old.keys())),
        tuple(sorted(key for key in old.keys() & new.keys() if old[key] != new[key])),
        tuple(sorted(old.keys() - new.keys())),
    )


def reading(keys: Sequence[str]) -> str:
    """A compose file with which compose tells what it reads for each of these keys."""
    lines = [f'      {key}: "${{{key}-}}"\n' for key in sorted(keys)]
    head = "name: reading\nservices:\n  reading:\n    image: none\n    environment:\n      a: a\n"
    return "".join([head, *lines])
