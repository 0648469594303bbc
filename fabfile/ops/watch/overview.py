"""Many servers, a line each: what runs there and whether it is well."""

from __future__ import annotations

from collections.abc import Sequence

from ...model.errors import FAILED, Trouble
from ...model.watch.checks import FAIL, STYLES
from ...remote.watch.glance import glance
from ..session import Session, side_by_side

FEW = 2
"""Servers that are shown whole."""


def overview(session: Session, names: Sequence[str], *, as_json: bool) -> None:
    """Show a few servers as :mod:`.status` does, more of them a line each; reading only.

    Also as JSON they are told whole. Exit code of many: 1 where one cannot be reached; it has its
    line, and the
    others are shown.
    """
    if as_json or len(names) <= FEW:
        from .status import status  # of many nobody waits for what it needs

        status(session, names, as_json=as_json)
        return
    session.approach(names)
    found = side_by_side(lambda name: _line(session, name), names)
    away = [name for name, (_, _, is_there) in found.items() if not is_there]
    for name, (verdict, text, _) in found.items():
        session.console.line(name, f"{verdict:4} {text}", STYLES[verdict])
    if away:
        told = f"{len(away)} of {len(names)} servers cannot be shown: {', '.join(away)}"
        raise Trouble(told, code=FAILED)


def _line(session: Session, name: str) -> tuple[str, str, bool]:
    """Verdict and text, and whether the server could be asked."""
    try:
        return (*glance(session.host(name)).line(), True)
    except Trouble as trouble:
        return FAIL, trouble.message.removeprefix(f"{name}: "), False
