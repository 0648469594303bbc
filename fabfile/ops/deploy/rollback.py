"""Rollback by hand: to the last verified release, or to one that is named."""

from __future__ import annotations

from dataclasses import dataclass

from ...model.access.envfile import parse
from ...model.deploy.plan import Wish
from ...model.deploy.way_back import changed_keys, choose
from ...model.errors import Taken
from ...remote.look import look
from ..session import Session
from .canary import ROLLBACK, tell
from .changing import change
from .decided import Decided
from .descending import Way
from .going_back import decide_rollback
from .logins import require_logins


@dataclass(frozen=True)
class Options:
    """What the operator asked for."""

    to: str = ""
    """Id of a release, or (the start of) a commit; empty: the release before the one that runs."""
    waive: tuple[str, ...] = ()
    restart_data: bool = False
    way: Way = Way()
    """What is to become of the schema."""
    yes: bool = False
    wait: int = 0
    """Seconds to wait for others who hold the server."""


def rollback(session: Session, name: str, options: Options, *, as_json: bool = False) -> None:
    """Bring a server back to a release that passed; today's ``.env`` stays.

    No build, no registry: from the images that the server kept. Proved by the same gates as a
    deploy; when that fails, the server goes back to where it was. A canary that runs is told to go
    back by itself.
    """
    try:
        run = change(
            session,
            name,
            lambda: _examine(session, name, options),
            "Go back?",
            yes=options.yes,
            wait=options.wait,
            task="rollback",
        )
    except Taken:
        if options.to or not tell(session, name, look(session.host(name)), ROLLBACK):
            raise
        return
    if as_json:
        session.console.result(run.release.view() if run.plan.steps else None)


def _examine(session: Session, name: str, options: Options) -> Decided:
    facts = look(session.host(name))
    release = choose(name, facts.releases, options.to)
    decided = decide_rollback(
        session,
        name,
        release,
        Wish(restart_data=options.restart_data, keep_schema=True),
        facts,
        waive=options.waive,
        way=options.way,
    )
    require_logins(decided.sight, decided.target, decided.plan)
    session.console.line(name, f"rollback to {decided.back_to}", "bold")
    keys = changed_keys(release, dict(parse(decided.sight.facts.env).values))
    if keys:
        session.console.warn(
            name, f"today's .env stays; it differs from the release's in: {', '.join(keys)}"
        )
    return decided
