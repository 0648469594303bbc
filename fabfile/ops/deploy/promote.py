"""Promote: the new replicas get all requests at once, and the former ones go."""

from __future__ import annotations

from ...model.deploy.plan import Wish
from ...model.facts import Facts
from ...model.release import DIED, Release
from ...remote.look import look
from ..session import Session
from . import fleet
from .canary import PROMOTE, tell
from .changing import change
from .decided import Decided
from .deployment import Options
from .going_back import decide_rollback


def promote(session: Session, name: str, waive: tuple[str, ...], *, yes: bool, wait: int) -> None:
    """End a canary before its time, or the keeping of former replicas; proved and recorded.

    A run that waits for its canary is told to go on. The commit of one that died is deployed to
    its end. Errors are those of a deploy.
    """
    facts = look(session.host(name))
    if tell(session, name, facts, PROMOTE):
        return
    last = facts.releases[-1] if facts.releases else None
    if last and facts.outcome(last) == DIED and not last.back_to:
        fleet.deploy(session, [name], Options(last.commit, waive, yes=yes, wait=wait))
    elif last and facts.keeps_former:
        change(
            session,
            name,
            lambda: _end_keeping(session, name, last, waive),
            "Remove the former replicas?",
            yes=yes,
            wait=wait,
        )
    else:
        said = "nothing to promote: no canary runs, and no former replica is kept"
        session.console.line(name, said)


def _end_keeping(session: Session, name: str, last: Release, waive: tuple[str, ...]) -> Decided:
    facts: Facts = look(session.host(name))
    wish = Wish(keep_schema=True, end_keeping=True)
    return decide_rollback(session, name, last, wish, facts, waive=waive)
