"""Which values of an ``.env`` are never shown, and in which other forms they must not be either."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from urllib.parse import quote

from ..errors import Trouble
from ..telling import URLS
from .envfile import parse, schema

TELLING = re.compile(
    r"(?:^|_)(?:KEY|PASS|PASSWD|PASSWORD|PASSPHRASE|PWD|SECRET|TOKEN|SALT|BEARER|CREDENTIALS?|DSN)"
    r"(?:_|$)"
)
"""What a key is called whose value is a secret, where no ``.env.example`` knows it."""
WORD = (
    r"(?:[\w-]*(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIAL)[\w-]*"
    r"|(?:[\w-]*[_-])?(?:KEY|PASS|PWD|SALT|BEARER|DSN)(?:[_-][\w-]*)?)"
)
VALUE = r"""(?:'[^']*'|"(?:\\.|[^"\\])*"|[^\s;&|'"]+)"""
TYPED = re.compile(
    rf"""
    (?<![\w-]) (?P<before> {WORD} ["']? \s* [=:] \s* | --?{WORD} \s+ | PASSWORD \s+ (?=')
    | (?:BEARER|BASIC) \s+ ) {VALUE}
    | (?P<url> :// [^/\s:@]* : ) [^/\s@]+ (?=@)
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""What looks like a secret in a command line, with what stands before it."""
OPTION = re.compile(rf"--?{WORD}", re.IGNORECASE)
MASK = "[hidden]"
LINE = 16
"""Characters that one line of a value must have to be hidden by itself too."""


def secret_values(text: str, *examples: str) -> list[str]:
    """The secrets in the text of an ``.env``, each in every form that a program may print.

    A secret is what an ``.env.example`` marks as one; a key that none knows is judged by its name.
    """
    marked: dict[str, bool] = {}
    for example in examples:
        with suppress(Trouble):  # a mark that is wrong; whoever checks by it says so
            for rule in schema(example):
                marked[rule.key] = rule.secret or marked.get(rule.key, False)
    return list(dict.fromkeys(_forms(parse(text).values, marked)))


def _forms(values: Mapping[str, str], marked: Mapping[str, bool]) -> Iterator[str]:
    for key, value in values.items():
        is_secret = key == URLS or marked.get(key, bool(TELLING.search(key)))
        if not value or not is_secret:
            continue
        if key == URLS:
            yield from value.split()
        yield value
        yield json.dumps(value)[1:-1]
        yield json.dumps(value, ensure_ascii=False)[1:-1]
        yield quote(value, safe="")
        yield value.replace("$", "$$")
        if "\n" in value:
            yield from (line for line in value.split("\n") if len(line) >= LINE)


def masked(words: Iterable[str]) -> Iterator[str]:
    """The words of a command line without what looks like a secret: nobody knows them all."""
    is_secret = False
    for word in words:
        yield MASK if is_secret else TYPED.sub(_hidden, word)
        is_secret = bool(OPTION.fullmatch(word))


def _hidden(found: re.Match[str]) -> str:
    return f"{found['before'] or found['url']}{MASK}"
