"""``.env``: the settings and secrets of one server, checked against ``.env.example``.

``.env.example`` is the schema. Annotations stand in the comment lines above a key:
``@required``, ``@secret``, ``@min=32`` (characters), ``@urlsafe`` (A-Z a-z 0-9 . _ ~ -),
``@https`` (a URL, or its scheme: any other is a warning), ``@domain`` (a name such as
``example.org``), ``@server=ubuntu`` (the key belongs to that server only). A message never contains
a value.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import StringIO

from dotenv.parser import Binding, parse_stream

from ..errors import refused
from ..names import DOMAIN
from ..telling import OURS

ANNOTATION = re.compile(r"(?<!\S)@([a-z]+)(?:=(\S+))?")
KEY = re.compile(r"[A-Z_][A-Z0-9_]*")
URLSAFE = re.compile(r"[A-Za-z0-9._~-]*")
WEAK = re.compile(
    r"change.?me|example|development.?only|placeholder|your[-_ ]|insert.?here|to.?do"
    r"|password|passw0rd|secret.?key|^(.)\1*$|^(?:0123456789|123456789|abcdef)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Rule:
    """What ``.env.example`` says of one key."""

    key: str
    default: str
    required: bool = False
    secret: bool = False
    minimum: int = 0
    urlsafe: bool = False
    https: bool = False
    domain: bool = False
    servers: tuple[str, ...] = ()
    """The servers it belongs to; empty: all."""

    def applies_to(self, *names: str) -> bool:
        """Whether the key belongs to the server that is called so."""
        return not self.servers or not {*self.servers}.isdisjoint(names)


@dataclass(frozen=True)
class EnvFile:
    """One ``.env`` as python-dotenv reads it, with what is wrong with its lines."""

    values: Mapping[str, str]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Findings:
    """What a check found: ``problems`` stop a deploy, ``warnings`` do not."""

    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass
class _Lists:
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def parse(text: str) -> EnvFile:
    """Read the text of an ``.env`` without expanding anything."""
    values: dict[str, str] = {}
    problems: list[str] = []
    if "\r" in text:
        line = text[: text.index("\r")].count("\n") + 1
        problems.append(f".env:{line}: carriage return (CRLF); save the file with LF line ends")
    for binding in parse_stream(StringIO(text)):
        line = binding.original.line
        if binding.error or (binding.key and not _assigned(binding)):
            problems.append(f".env:{line}: not KEY=value")
        elif binding.key is None:
            continue
        elif binding.key in values:
            problems.append(f".env:{line}: {binding.key} stands twice")
        else:
            values[binding.key] = binding.value or ""
    return EnvFile(values, tuple(problems))


def foreign_encoding(text: str) -> str:
    """What a file is written in that nobody here reads as it is meant; empty: it is plain UTF-8."""
    if "\0" in text:
        return "in UTF-16"
    if text.startswith("\ufeff"):
        return "in UTF-8 with a byte order mark"
    return "not in UTF-8" if "\ufffd" in text else ""


def _assigned(binding: Binding) -> bool:
    """Whether it is KEY=value: a pasted secret on a line of its own must not pass for a key."""
    return binding.value is not None and bool(KEY.fullmatch(binding.key or ""))


def schema(example: str) -> tuple[Rule, ...]:
    """The rules of an ``.env.example``, in its order."""
    rules: list[Rule] = []
    notes: dict[str, str] = {}
    for line in example.split("\n"):
        stripped = line.strip()
        if stripped.startswith("#"):
            notes.update(dict(ANNOTATION.findall(stripped)))
            continue
        if "=" in stripped:
            for key, default in parse(stripped).values.items():
                rules.append(
                    Rule(
                        key=key,
                        default=default,
                        required="required" in notes,
                        secret="secret" in notes,
                        minimum=_minimum(key, notes.get("min") or "0"),
                        urlsafe="urlsafe" in notes,
                        https="https" in notes,
                        domain="domain" in notes,
                        servers=tuple(filter(None, notes.get("server", "").split(","))),
                    )
                )
        notes = {}
    return tuple(rules)


def _minimum(key: str, text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise refused(f".env.example: @min of {key} is '{text}', which is no number")
    return int(text)


def check(
    env: EnvFile,
    effective: Mapping[str, str],
    rules: Iterable[Rule],
    *names: str,
) -> Findings:
    """Check the ``.env`` of the server that is called so, before anything else looks at it.

    ``effective`` is what compose itself reads for each key; where that differs from python-dotenv's
    reading, the length that compose sees and the likely cause are shown.
    """
    found = _Lists(list(env.problems))
    known = {*OURS}
    for rule in rules:
        known.add(rule.key)
        if rule.applies_to(*names):
            _check_rule(rule, env.values.get(rule.key), effective.get(rule.key), found)
    for key, value in env.values.items():
        if key not in known:
            found.warnings.append(f".env: {key} is not in .env.example: nothing reads it")
        if key in effective and effective[key] != value:
            found.problems.append(
                f".env: {key}: compose reads {len(effective[key])} characters of {len(value)}"
                f"{_cause(value)}"
            )
    return Findings(tuple(found.problems), tuple(found.warnings))


def _check_rule(rule: Rule, raw: str | None, seen: str | None, found: _Lists) -> None:
    value = raw if seen is None else seen
    key = f".env: {rule.key}"
    if rule.domain and raw and raw != value:
        return  # how compose reads it otherwise is told already
    if not raw or not value:
        if rule.required:
            remedy = f": add {rule.key}= and your site's name, as example.org" * rule.domain
            found.problems.append(f"{key} is {'missing' if raw is None else 'empty'}{remedy}")
        return
    if rule.domain and not DOMAIN.fullmatch(value):
        found.problems.append(f"{key} is not a domain name such as example.org, in small letters")
    if len(value) < rule.minimum:
        found.problems.append(f"{key} has {len(value)} characters; at least {rule.minimum}")
    if rule.secret and (WEAK.search(value) or len(set(value)) < 5):
        found.problems.append(f"{key} is an example or weak value; make one: openssl rand -hex 32")
    if rule.urlsafe and not URLSAFE.fullmatch(value):
        found.problems.append(f"{key} may only hold A-Z a-z 0-9 . _ ~ - (it becomes part of a URL)")
    if rule.https and value.partition(":")[0] != "https":
        found.warnings.append(f"{key} is not https: whoever is on the way reads all, tokens too")


def _cause(value: str) -> str:
    if "$" in value:
        return ": '$' starts a variable; write '$$', or put the value in single quotes"
    if value != value.strip():
        return ": blanks at its edge; put the value in single quotes"
    if "#" in value:
        return ": ' #' starts a comment; put the value in single quotes"
    return ": quotes or escapes are read differently; put the value in single quotes"


def digests(values: Mapping[str, str], salt: str) -> dict[str, str]:
    """A salted digest of every value, for comparing without showing."""
    return {key: digest(value, salt) for key, value in sorted(values.items())}


def digest(value: str, salt: str) -> str:
    """The salted digest of one value."""
    return hmac.new(salt.encode(), value.encode(), hashlib.sha256).hexdigest()[:20]
