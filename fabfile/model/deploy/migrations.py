"""The steps of a migration, and those that must come before one can begin."""

from __future__ import annotations

from collections.abc import Sequence

from ..facts import Facts
from ..stack import Service
from .plan import Kind, Step, Target, Wish
from .reasons import has_new_image


def migrations(target: Target, facts: Facts, wish: Wish, touched: Sequence[Service]) -> list[Step]:
    """One for each new image that may migrate."""
    steps: list[Step] = []
    seen: set[str] = set()
    if wish.lowered:
        touched = target.stack.services
    for service in touched if not wish.keep_schema else ():
        reference = target.images[service.name].reference
        new = has_new_image(service, target, facts) or wish.rebuild or wish.lowered
        if service.hints.migrate and new and reference not in seen:
            seen.add(reference)
            reason = "if the database's revision is not the new image's"
            steps.append(Step(Kind.MIGRATE, service.name, reason))
    return steps


def reviews(target: Target, facts: Facts, found: Sequence[Step]) -> list[Step]:
    """One for each migration; where the database cannot be asked yet, that is done later."""
    database = _asked(target, facts)
    if database is None or not database.hints.revision:
        return []
    asked = "whether it knows the database's revision, and what its migration destroys"
    return [Step(Kind.REVIEW, step.subject, asked) for step in found]


def backups(target: Target, facts: Facts, found: Sequence[Step]) -> list[Step]:
    """One before the first of them; where the database does not run yet, that is done later."""
    database = _asked(target, facts)
    kept = "before its migration, if there is one and the database is not empty"
    return [Step(Kind.BACKUP, database.name, kept)] if database and found else []


def _asked(target: Target, facts: Facts) -> Service | None:
    """The database, where it runs."""
    database = target.stack.database
    runs = database is not None and facts.runs(target.stack.project, database.name)
    return database if runs else None
