"""What was decided for one server: everything that carrying a change out takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...model.deploy.plan import Plan, Target
from ...model.facts import Facts
from ..sight import Sight
from .migrating import Descent
from .reviewing import Review


@dataclass(frozen=True)
class Decided:
    """One plan for one server, whoever made it: a deploy, a rollback, a recovery, a way back."""

    sight: Sight
    target: Target
    plan: Plan
    ref: str
    """What was asked for, as the record tells it."""
    before: Facts | None
    """A failure goes back to the last release that passed then; None: there is no further way."""
    waive: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    """The services that the plan was made for; empty: all."""
    called_certificate: str = ""
    """Of the server that this one calls."""
    back_to: str = ""
    """Id of the release that this goes back to; empty: it is a deploy."""
    allow_destructive: bool = False
    descent: Descent | None = None
    reviews: Mapping[str, Review] = field(default_factory=dict)
    """What images that are there already said of the database a moment ago."""

    @property
    def name(self) -> str:
        """The server's name."""
        return self.sight.server.name
