"""Doctor: what is wrong on the servers, or soon will be, all of it at once; nothing is changed."""

from __future__ import annotations

from typing import Any

from ...model.errors import FAILED, Trouble
from ...model.project.proposals import unproved
from ...model.release import killed
from ...remote.deploy import idle
from ..certificates.serving import Place
from ..pointing import astray, names_of
from ..session import Session, side_by_side
from ..sight import look_at
from .beforehand import beforehand
from .status import changes, overdue, view

ALL_IS_WELL = "nothing is wrong"


def doctor(session: Session, *, as_json: bool) -> None:
    """Examine every server side by side, also when one cannot be reached.

    Exit code 1 with all problems: why a deploy would be refused, and what is wrong with a
    certificate. What needs care, but stops nothing, is a warning.
    """
    names = [server.name for server in session.inventory.servers]
    found = side_by_side(lambda name: examine(session, name), names)
    if as_json:
        session.console.result(found)
    else:
        for name, one in found.items():
            _show(session, name, one)
    problems = [f"{name}: {text}" for name, one in found.items() for text in one["problems"]]
    if problems:
        raise Trouble("the servers need care", code=FAILED, evidence=problems)


def examine(session: Session, name: str) -> dict[str, Any]:
    """One server's ``problems`` and ``warnings``, as the stable JSON of ``docs/json.md``."""
    try:
        sight = look_at(session, name)
        seen = view(sight, None)
        problems = [*seen["problems"]]
        warnings = [*changes(name, seen), *overdue(seen), *seen["warnings"]]
        names = {*sight.server.domains, *(names_of(sight.target) if sight.target else ())}
        warnings += astray(session.inventory, sight.server, sorted(names)).values()
        if sight.target:
            warnings += unproved(sight.target.stack, sight.target.resolved)
        if not sight.deployed:
            warnings += beforehand(session, sight)
        if sight.deployed:
            if sight.target:
                warnings += idle.impatient(sight.host, sight.target.stack)
            warnings += killed(sight.facts.releases)
            if sight.target is None or sight.target.stack.proxy:
                place = Place(sight, called=bool(session.inventory.callers_of(name)))
                certificate = place.see().view(place.wanted, sight.facts.now)
                problems += [f"certificate: {text}" for text in certificate["problems"]]
    except Trouble as trouble:
        said = trouble.message.removeprefix(f"{name}: ")
        return {"problems": [said, *trouble.evidence], "warnings": []}
    return {"problems": problems, "warnings": [one for one in warnings if one not in problems]}


def _show(session: Session, name: str, found: dict[str, Any]) -> None:
    for text in found["warnings"]:
        session.console.warn(name, text)
    if not found["problems"] and not found["warnings"]:
        session.console.line(name, ALL_IS_WELL)
