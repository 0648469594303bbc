"""A canary: new replicas get a share of the clients, and what they answer decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...model.deploy.comparing import Canary, Sides, failing, figures, merged, objection
from ...model.errors import Trouble
from ...model.facts import Facts
from ...remote.deploy import sides
from ...remote.deploy.proxy import Told
from ...remote.host import Host
from ..session import Session, operator

EACH = 5
"""Seconds between two looks at the log: so long at most a release that fails is asked."""
PROMOTE, ROLLBACK = "promote", "rollback"


def compare(host: Host, told: Told, canary: Canary, pause: Callable[[], None]) -> str:
    """Wait for the end of a canary that is loaded; the figures, where the new ones are as good.

    :class:`Trouble` where they are not, where too few requests came to tell, and where somebody
    ended it by a rollback. ``pause`` raises when somebody pressed Ctrl-C.
    """
    assert told.split is not None
    begun = told.split.since
    since, seen, promoted = str(begun), dict[str, Sides](), ""

    def over() -> bool:
        nonlocal since, seen, promoted
        pause()
        left = begun + canary.seconds - float(since)
        now = sides.watch(host, told, since, min(EACH, max(1, round(left))))
        since, seen = now.until, merged(seen, now.sides)
        if now.gone:
            raise _stopped(host, "a replica does not run any more: did somebody run compose?", seen)
        word, _, who = now.said.partition(" ")
        if word:
            sides.heard(host)
        if word == ROLLBACK:
            raise _stopped(host, f"ended by {who}", seen)
        if word == PROMOTE:
            promoted = f"promoted by {who}; "
            return True
        ended = float(since) >= begun + canary.seconds
        if why := objection(seen) if ended else failing(seen):
            raise _stopped(host, why, seen)
        return ended

    host.wait("the end of the canary", over, canary.seconds + 60)
    return f"{promoted}{'; '.join(figures(seen))}"


def tell(session: Session, name: str, facts: Facts, word: str) -> bool:
    """Tell a run that waits for the end of its canary how to end it; False: none does."""
    if facts.split is None or "at step 'canary " not in facts.holder:
        return False
    sides.end(session.host(name), f"{word} {operator()}")
    said = f"the canary that runs is told: {word}; fab {name}.history shows how it ends"
    session.console.line(name, said)
    return True


def _stopped(host: Host, why: str, seen: Mapping[str, Sides]) -> Trouble:
    return Trouble(f"{host.name}: canary: {why}", evidence=figures(seen))
