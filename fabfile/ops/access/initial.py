"""The first ``.env`` of servers: what is required and has no value is made, known, or asked for."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from ...model.access.comparing import demands
from ...model.access.envedit import with_values
from ...model.access.envfile import Rule, parse
from ...model.access.initial import alike, known, needed, size
from ...model.errors import refused
from ...model.inventory import Server
from ..session import Session, side_by_side
from .editing import Draft, draft, read, write
from .inspecting import Settings, meant, wanted, with_linked


def init(session: Session, name: str, answers: str, *, yes: bool) -> None:
    """Give the ``.env`` of one server or of all what it still needs; nothing in it is changed.

    ``answers``: a file with KEY=value lines for what would be asked; empty: it is asked. A secret
    that both ends of a link need alike is made once, or is the one that is there.
    """
    names = meant(session, name)
    given = dict(parse(read(answers)).values) if answers else {}
    around = with_linked(session, names)
    seen = side_by_side(lambda one: wanted(session, one), around)
    for one in names:
        _require_example(seen[one])
    values = {one.server: one.values for one in seen.values()}
    drafts, asked = [], list[str]()
    for one in names:
        added = _added(session, seen[one], values, given, asked)
        values[seen[one].server] |= added
        drafts.append((seen[one], added))
    if asked:
        raise refused("these have no value yet: give them with --answers FILE", asked)
    made = [_draft(one, added) for one, added in drafts]
    write(session, made, yes=yes)


def _require_example(seen: Settings) -> None:
    commit = seen.facts.commit
    if commit is None or commit.fault or not seen.rules:
        why = commit.error if commit and commit.fault else "its commit has none"
        raise refused(f"{seen.server.name}: .env.example cannot be read: {why}")


def _draft(seen: Settings, added: Mapping[str, str]) -> Draft:
    commit = seen.facts.commit
    assert commit is not None
    text = seen.facts.env if seen.facts.env_stat else commit.example
    return draft(seen, with_values(text, added), whole=not seen.facts.env_stat)


def _added(
    session: Session,
    seen: Settings,
    values: Mapping[Server, Mapping[str, str]],
    given: Mapping[str, str],
    asked: list[str],
) -> dict[str, str]:
    """Key → value of what one server needs; what nobody could be asked for stands in ``asked``."""
    added = {}
    for rule in needed(seen.rules, seen.server, values[seen.server]):
        value = given.get(rule.key) or _value(rule, seen.server, values)
        if not value and session.console.interactive:
            value = session.console.ask(f"{_question(rule, seen.server)}: ")
        if value:
            added[rule.key] = value
        else:
            asked.append(_question(rule, seen.server))
    return added


def _question(rule: Rule, server: Server) -> str:
    return f"{rule.key} on {server.name} ({', '.join(demands(rule))})"


def _value(rule: Rule, server: Server, values: Mapping[Server, Mapping[str, str]]) -> str:
    """What is known or made; empty: a person must say it."""
    if found := known(rule, server):
        return found
    if not rule.secret:
        return ""
    return alike(rule, server, values) or secrets.token_hex(size(rule))
