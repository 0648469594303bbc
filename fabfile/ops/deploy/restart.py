"""Restart: the same images anew, by the same road as a deploy."""

from __future__ import annotations

from ...model.deploy.plan import EVERY, Wish
from ...model.errors import refused
from ...remote.look import look
from ..session import Session
from .changing import change
from .decided import Decided
from .going_back import decide_rollback
from .logins import require_logins


def restart(
    session: Session,
    name: str,
    service: str,
    waive: tuple[str, ...],
    *,
    yes: bool,
    wait: int,
    as_json: bool = False,
) -> None:
    """Replace the containers of services, from the images of the release that runs; proved.

    ``service``: the one; empty: every one that can be replaced without a gap. A data service, the
    proxy and what ends by itself only when named: what that costs stands in the plan.
    """

    def decide() -> Decided:
        facts = look(session.host(name))
        last = facts.verified
        if last is None:
            raise refused(f"{name}: no release has passed yet; fab {name}.deploy makes the first")
        wish = Wish(
            restart=(service,) if service else EVERY,
            restart_data=bool(service),
            only=(service,) if service else (),
            keep_schema=True,
        )
        decided = decide_rollback(session, name, last, wish, facts, waive=waive)
        require_logins(decided.sight, decided.target, decided.plan)
        session.console.line(name, f"restart of {service or 'every service'}", "bold")
        return decided

    run = change(session, name, decide, "Restart?", yes=yes, wait=wait)
    if as_json:
        session.console.result(run.release.view() if run.plan.steps else None)
