"""Comparing an ``.env`` with its rules, with what runs and with another one, by salted digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..inventory import Server
from .envfile import Rule, digest

SHOWN = 8
"""Letters of a digest that are shown: enough to see whether two are the same."""
EMPTY, MISSING = "empty", "missing"


@dataclass(frozen=True)
class Row:
    """One key, and all in which its value is another one than elsewhere."""

    key: str
    value: str
    """Its digest; ``empty`` or ``missing``."""
    example: str = ""
    """What ``.env.example`` would have; empty: that."""
    runs: str = ""
    """How it differs from what the last release was made with; empty: not."""
    others: tuple[str, ...] = ()
    """The servers whose value is another one although it should be the same."""

    @property
    def differs(self) -> bool:
        """Whether there is something to tell."""
        return bool(self.example or self.runs or self.others)

    def view(self) -> dict[str, Any]:
        """As the stable JSON of ``docs/json.md``."""
        return {
            "key": self.key,
            "value": self.value,
            "example": self.example,
            "runs": self.runs,
            "others": list(self.others),
        }


def short(value: str | None, salt: str) -> str:
    """A value as it is shown: the start of its salted digest."""
    if not value:
        return MISSING if value is None else EMPTY
    return digest(value, salt)[:SHOWN]


def linked(server: Server, servers: Sequence[Server]) -> list[Server]:
    """The servers that call this one, or that it calls: both ends know some secrets alike."""
    return [one for one in servers if one.name == server.calls or one.calls == server.name]


def shared(rules: Sequence[Rule], one: Server, other: Server) -> list[str]:
    """The keys that both ends of a link need alike: secrets that belong to both servers."""
    return [
        rule.key
        for rule in rules
        if rule.secret and rule.applies_to(*one.names) and rule.applies_to(*other.names)
    ]


def unlike(
    rules: Sequence[Rule], server: Server, others: Mapping[Server, Mapping[str, str]]
) -> dict[str, tuple[str, ...]]:
    """Key → the linked servers whose value of it is another one.

    ``others``: server → its ``.env``, the server's own one too. A value that is missing somewhere
    is told by the rules.
    """
    own, found = others[server], dict[str, tuple[str, ...]]()
    for other in linked(server, list(others)):
        for key in shared(rules, server, other):
            mine, theirs = own.get(key), others[other].get(key)
            if mine and theirs and mine != theirs:
                found[key] = (*found.get(key, ()), other.name)
    return found


def compared(
    values: Mapping[str, str],
    rules: Sequence[Rule],
    server: Server,
    runs: Mapping[str, str],
    others: Mapping[str, tuple[str, ...]],
    salt: str,
) -> list[Row]:
    """A row for every key of ``.env`` or ``.env.example`` that belongs to the server, in order.

    ``runs``: key → how it differs from what runs; ``others``: as of :func:`unlike`.
    """
    known = {rule.key: rule for rule in rules if rule.applies_to(*server.names)}
    stray = {rule.key: rule for rule in rules if rule.key not in known}
    keys = dict.fromkeys((*known, *(key for key in values if key not in stray), *runs))
    return [
        Row(
            key,
            short(values.get(key), salt),
            _example(values.get(key), known.get(key)) if rules else "",
            runs.get(key, ""),
            others.get(key, ()),
        )
        for key in keys
    ]


def _example(value: str | None, rule: Rule | None) -> str:
    if rule is None:
        return "not there" if value is not None else ""
    if not value:
        return "required" if rule.required else "default" * bool(rule.default)
    return "" if rule.secret or rule.required or value == rule.default else "not the default"


def since(
    today: Mapping[str, str], released: Mapping[str, str], changed: Sequence[str]
) -> dict[str, str]:
    """Key → how ``.env`` differs from what the last release was made with, in words.

    ``released``: that release's own digests; ``changed``: the keys that differ from them.
    """
    return {
        key: "added since" if key not in released else "changed since" if key in today else "gone"
        for key in changed
    }


def demands(rule: Rule) -> list[str]:
    """What the marks of ``.env.example`` demand of a key, in words."""
    found = ["required"] * rule.required + ["secret"] * rule.secret
    found += [f"at least {rule.minimum} characters"] * bool(rule.minimum)
    found += ["only A-Z a-z 0-9 . _ ~ -"] * rule.urlsafe
    found += ["https"] * rule.https + ["a domain name"] * rule.domain
    if rule.servers:
        found.append(f"read on {', '.join(rule.servers)} only")
    return found
