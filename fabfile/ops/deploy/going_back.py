"""Deciding a way to a release that passed: from retained images, nothing is built or pulled."""

from __future__ import annotations

from ...model.commit import LOCAL
from ...model.deploy.plan import Wish
from ...model.deploy.way_back import as_released, missing_images, schema_of, unknown_services
from ...model.errors import refused
from ...model.facts import Facts
from ...model.release import Release
from ..session import Session
from ..sight import look_at, plan_for
from .decided import Decided
from .descending import Way, descend


def decide_rollback(
    session: Session,
    name: str,
    release: Release,
    wish: Wish,
    before: Facts | None,
    *,
    waive: tuple[str, ...] = (),
    way: Way | None = None,
) -> Decided:
    """How a server comes to a release that it once had. Exit code 2 when an image is gone.

    ``before``: as in :class:`Decided`. ``way``: what is to become of the schema; None: nothing is
    asked or done about it.
    """
    sight = look_at(session, name, f"{LOCAL}{release.commit}")
    gone = missing_images(release, sight.facts)
    if gone:
        raise refused(
            f"{name}: release {release.id} needs {', '.join(gone)}, which is gone from the server;"
            f" deploy its commit instead: --ref {release.commit[:8]}"
        )
    if sight.target is None:
        reasons = "; ".join(sight.problems)
        raise refused(f"{name}: the stack of release {release.id} cannot be read: {reasons}")
    if unknown := unknown_services(release, sight.target):
        raise refused(
            f"{name}: release {release.id} ran without {', '.join(unknown)}: take it out of"
            " COMPOSE_PROFILES in .env first"
        )
    target = as_released(sight.target, release, sight.facts)
    plan, descent = plan_for(sight, None, wish, target), None
    if way:
        plan, descent = descend(session, sight, target, plan, release, way)
    return Decided(
        sight,
        target,
        plan,
        ref=release.id,
        before=before,
        waive=waive,
        called_certificate=sight.facts.trust,
        back_to=release.back_to or release.id,
        allow_destructive=wish.allow_destructive,
        descent=descent,
    )


def decide_return(
    session: Session,
    name: str,
    last: Release,
    spare: frozenset[str],
    waive: tuple[str, ...],
    *,
    lowered: bool,
) -> Decided:
    """How a server comes back to the last release that passed, after what failed or died.

    Containers that are not in its stack go, but for those to ``spare``. ``lowered``: the schema was
    taken down, so it is moved up again; else it stays, and that is said.
    """
    wish = Wish(
        restart_data=True,
        remove_orphans=True,
        spare=spare,
        keep_schema=not lowered,
        lowered=lowered,
        allow_destructive=lowered,
        needed=True,
    )
    decided = decide_rollback(session, name, last, wish, None, waive=(*last.waived, *waive))
    revision = schema_of(decided.sight.facts.releases)
    if not lowered and revision != last.schema:
        session.console.warn(
            name,
            f"the database stays at revision {revision or 'unknown'};"
            f" release {last.id} was made with {last.schema or 'none'}",
        )
    return decided
