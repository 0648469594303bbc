"""Doctor: what is wrong on the servers, or soon will be, all of it at once; nothing is changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...model.errors import FAILED, Trouble
from ...model.watch.checks import FAIL, OK, STYLES, WARN, Check
from ..session import Session, side_by_side
from ..telling import findings_told
from .examining import examine

HANG = 5
"""Columns that the rest of a broken line begins in: behind the verdict."""


def doctor(session: Session, names: Sequence[str], *, verbose: bool, as_json: bool) -> None:
    """Examine these servers side by side, also when one cannot be reached.

    Exit code 1 when a check failed: why a deploy would be refused, and what is wrong with a
    certificate. What needs care, but stops nothing, is a warning. ``verbose``: show also what is
    well.
    """
    found = side_by_side(lambda name: examine(session, name), names)
    for name, checks in found.items():
        ill = [check for check in checks if check.verdict != OK]
        lines = {one.name: [check.line for check in ill if check.name == one.name] for one in ill}
        findings_told(session, name, lines)
    if as_json:
        session.console.result({name: view(checks) for name, checks in found.items()})
    else:
        for name, checks in found.items():
            _show(session, name, checks, verbose=verbose)
    failed = {name: _number(checks, FAIL) for name, checks in found.items()}
    if any(failed.values()):
        told = ", ".join(f"{name} ({number} failed)" for name, number in failed.items() if number)
        raise Trouble(f"the servers need care: {told}", code=FAILED)


def view(checks: Sequence[Check]) -> dict[str, Any]:
    """The checks of one server, as the stable JSON of ``docs/json.md``."""
    return {
        "problems": [check.text for check in checks if check.verdict == FAIL],
        "warnings": [check.text for check in checks if check.verdict == WARN],
        "checks": [check.view() for check in checks],
    }


def _show(session: Session, name: str, checks: Sequence[Check], *, verbose: bool) -> None:
    """A line for each check that is not well, and one for all that are.

    On a terminal a line is broken at words; elsewhere it stays one, for whoever searches it.
    """
    hang = HANG if session.console.rich.is_terminal else None
    for check in checks:
        if verbose or check.verdict != OK:
            session.console.line(name, check.line, STYLES[check.verdict], hang=hang)
    well = _number(checks, OK)
    if well == len(checks):
        session.console.line(name, f"nothing is wrong: {well} checks are ok")
    elif well:
        session.console.line(name, f"{well} other checks are ok")


def _number(checks: Sequence[Check], verdict: str) -> int:
    return sum(check.verdict == verdict for check in checks)
