"""Looking without changing: health and containers."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ...model.deploy.causes import causes
from ...model.errors import FAILED, Trouble
from ...remote.look import look
from .. import gates
from ..neighbours import look_around
from ..session import Session, at_once
from ..sight import DEPLOYED, look_at


def health(session: Session, name: str, *, as_json: bool) -> None:
    """Ask every gate of what is deployed, once; exit code 1 when one is red."""
    sight, around = at_once(
        lambda: look_at(session, name, DEPLOYED), lambda: look_around(session, name, (gates.LINK,))
    )
    gated = gates.Gated(sight.host, sight.require(), around.callers, around.called)
    verdicts = gates.ask_all(session, gated, sight.facts)
    if as_json:
        session.console.result(
            [{"gate": v.gate, "ok": v.ok, "why": v.why, "seconds": v.seconds} for v in verdicts]
        )
    else:
        rows = [
            (v.gate, "green" if v.ok else "red", f"{v.seconds * 1000:.0f} ms", v.why)
            for v in verdicts
        ]
        session.console.table(name, ("gate", "is", "took", "answer"), rows)
    red = [verdict.gate for verdict in verdicts if not verdict.ok]
    if red:
        likely = [f"likely: {cause}" for cause in causes(verdicts)]
        raise Trouble(f"{name}: red gates: {', '.join(red)}", code=FAILED, evidence=likely)


def containers(session: Session, name: str) -> None:
    """Every container of the server's stack, with its age and ports."""
    host = session.host(name)
    facts = look(host)
    rows: Sequence[Sequence[str]] = [
        (
            container.name,
            f"{container.state} {container.health}".strip(),
            container.started.partition(".")[0].replace("T", " "),
            ", ".join(container.published),
            container.project or "-",
        )
        for container in sorted(facts.containers, key=lambda container: container.name)
    ]
    stamp = time.strftime("%H:%M:%S UTC", time.gmtime(facts.now))
    session.console.table(
        f"{name} at {stamp}", ("container", "state", "started", "ports", "project"), rows
    )
