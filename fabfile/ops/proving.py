"""Proof that a server serves as before, after its data changed."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.deploy.plan import Target
from ..model.errors import Trouble
from ..remote.host import Host
from ..remote.look import look
from . import gates
from .neighbours import look_around
from .session import Session, at_once


def prove(session: Session, host: Host, target: Target, waive: Sequence[str]) -> None:
    """Ask every gate until all are green; a red one that is not waived is :class:`Trouble`."""
    with session.console.step(host.name, "prove") as notes:
        around, facts = at_once(
            lambda: look_around(session, host.name, (*waive, gates.LINK)), lambda: look(host)
        )
        gated = gates.Gated(host, target, around.callers, around.called)
        verdicts, _ = gates.settle(session, gated, facts, waive)
        red = [verdict for verdict in verdicts if not verdict.ok and verdict.gate not in waive]
        if red:
            names = ", ".join(verdict.gate for verdict in red)
            evidence = [f"{verdict.gate}: {verdict.why}" for verdict in red]
            raise Trouble(f"{host.name}: red gates: {names}", evidence=evidence)
        notes.append(f"{len(verdicts)} gates asked")
