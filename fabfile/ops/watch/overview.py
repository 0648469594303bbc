"""Many servers, a line each: what runs there and whether it is well."""

from __future__ import annotations

from collections.abc import Sequence

from ...model.errors import FAILED, Trouble, refused
from ...model.watch.checks import FAIL, STYLES
from ...remote.watch.glance import glance
from ..session import Session, side_by_side

FEW = 2
"""Servers that are shown whole."""


def overview(session: Session, names: Sequence[str], *, watch: bool, as_json: bool) -> None:
    """Show a few servers as :mod:`.status` does, more of them a line each; reading only.

    Also as JSON they are told whole. Exit codes: as of :func:`.status.status`; of many, 1 where the
    line of one says ``fail``. ``watch``: see :mod:`.watching`.
    """
    if watch:
        if as_json:
            raise refused("--watch draws for a person: --json tells once")
        from .watching import watch as look_on

        look_on(session, names)
        return
    session.approach(names)
    if as_json or len(names) <= FEW:
        from .status import status  # while it connects; of many nobody waits for that

        status(session, names, as_json=as_json)
        return
    found = side_by_side(lambda name: _line(session, name), names)
    for name, (verdict, text, _) in found.items():
        session.console.line(name, f"{verdict:4} {text}", STYLES[verdict])
    if away := [name for name, (_, _, is_there) in found.items() if not is_there]:
        told = f"{len(away)} of {len(names)} servers cannot be shown: {', '.join(away)}"
        raise refused(told)
    if bad := [name for name, (verdict, _, _) in found.items() if verdict == FAIL]:
        raise Trouble(f"not all is well: {', '.join(bad)}", code=FAILED)


def _line(session: Session, name: str) -> tuple[str, str, bool]:
    """Verdict and text, and whether the server could be asked."""
    try:
        return (*glance(session.host(name)).line(), True)
    except Trouble as trouble:
        return FAIL, trouble.message.removeprefix(f"{name}: "), False
