"""The schema on a way back: whether the older image knows it, and how it is taken down."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...model.commit import LOCAL
from ...model.data.ddl import Harm, harms
from ...model.deploy.plan import PREPARING, Kind, Plan, Step, Target
from ...model.deploy.reasons import has_new_image, image_id
from ...model.deploy.way_back import backup_known, schema_of, wants
from ...model.errors import refused
from ...model.hints import between
from ...model.release import Release
from ...model.stack import Service
from ..data.databases import require_packer
from ..session import Session
from ..sight import Sight, look_at
from .migrating import Descent
from .reviewing import ALLOW, Asked, Review, asked_of, current_revision, judged, knowledge

KEEP = "keep"
DOWN = "down"


@dataclass(frozen=True)
class Way:
    """What the operator wants of the schema."""

    migrations: str = ""
    """``down``, ``keep``; empty: a schema that the older image does not know is refused."""
    allow_destructive: bool = False


def descend(
    session: Session, sight: Sight, target: Target, plan: Plan, release: Release, way: Way
) -> tuple[Plan, Descent | None]:
    """The plan of a rollback with what it does about the schema; exit code 2 when it must not.

    ``target`` is what the release that it goes back to ran.
    """
    service = _migrating(target)
    if service is None:
        return plan, None
    if way.migrations != DOWN and not has_new_image(service, target, sight.facts):
        return plan, None
    name, console = sight.server.name, session.console
    current = current_revision(sight.host, target, sight.facts)
    if current is None:
        current = schema_of(sight.facts.releases)
    stays = f"the database stays at revision {current or 'none'}, which release {release.id}"
    if wants(release, current):
        console.line(name, f"{stays} knows")
        return plan, None
    ask = asked_of(sight.host.read, service, target.images[service.name].reference)
    found = knowledge(ask, service, current)
    if not found.lost:
        console.line(name, f"{stays} knows")
        return plan, None
    if way.migrations == KEEP:
        console.warn(name, f"{stays} does not know")
        return plan, None
    if not way.migrations:
        raise refused(
            f"{name}: the database is at revision {current}, which release {release.id} does not"
            f" know; --migrations {DOWN} takes it down to {found.wanted};"
            f" {_from_backup(sight, found)}"
        )
    require_packer(sight.host)
    return _Downgrade(session, sight, release, found, way).plan(plan)


def _migrating(target: Target) -> Service | None:
    return next((service for service in target.stack.services if service.hints.migrate), None)


def _from_backup(sight: Sight, found: Review) -> str:
    """How the data of before come back, in a few words."""
    name = sight.server.name
    backup = backup_known(sight.facts, found.known)
    if not backup:
        return "no backup here is of a revision that it knows (fab db.list)"
    return (
        f"to bring back what was before it: fab {name}.rollback --migrations {KEEP},"
        f" then fab db.restore --on {name} --from {backup}"
    )


@dataclass(frozen=True)
class _Downgrade:
    session: Session
    sight: Sight
    release: Release
    found: Review
    way: Way

    @property
    def name(self) -> str:
        return self.sight.server.name

    def plan(self, plan: Plan) -> tuple[Plan, Descent]:
        """With the downgrade in its place.

        Where it takes nothing away, any code can live with it: it comes first. Where it does, the
        newer code still needs that, and the older one ran beside it once: it comes last.
        """
        descent, ask = self.newer()
        lower, upper = descent.to, self.found.current
        taken = self.reversible(descent, ask)
        gone = [one.what for one in judged(ask, descent.migration.sql, lower, upper) if one.loses]
        if gone and not self.way.allow_destructive:
            raise refused(
                f"{self.name}: what the migration {lower} → {upper} destroyed does not come back by"
                f" a downgrade; {ALLOW} goes on without it;"
                f" {_from_backup(self.sight, self.found)}",
                gone,
            )
        when = "last, when no code that needs it runs any more" if taken else "first: it only adds"
        reason = f"{upper} → {lower} by the image of {descent.commit[:8]}; {when}"
        notes = [f"the downgrade {upper} → {lower} {harm.what}" for harm in taken]
        notes += [
            f"the migration {lower} → {upper} {what}: that does not come back" for what in gone
        ]
        steps = self.placed(plan, Step(Kind.DOWNGRADE, descent.service, reason), last=bool(taken))
        return replace(plan, steps=steps, notes=(*plan.notes, *notes)), descent

    def placed(self, plan: Plan, downgrade: Step, *, last: bool) -> tuple[Step, ...]:
        """The steps with a backup at the end of the preparation, and the downgrade."""
        before = [step for step in plan.steps if step.kind in PREPARING or step.kind is Kind.UP]
        after = [step for step in plan.steps if step not in before]
        if not before:
            before.append(Step(Kind.FETCH, plan.commit[:8], plan.subject))
        stack = self.sight.target.stack if self.sight.target else None
        if stack and stack.database:
            place = sum(step.kind in PREPARING for step in before)
            before.insert(place, Step(Kind.BACKUP, stack.database.name, "before the downgrade"))
        return (*before, *after, downgrade) if last else (*before, downgrade, *after)

    def newer(self) -> tuple[Descent, Asked]:
        """The newest release whose image is here and knows the revision."""
        facts, seen = self.sight.facts, set()
        for release in reversed(facts.releases):
            if release.schema != self.found.current or release.commit in seen:
                continue
            seen.add(release.commit)
            target = look_at(self.session, self.name, f"{LOCAL}{release.commit}").target
            service = _migrating(target) if target else None
            if target is None or service is None:
                continue
            reference = target.images[service.name].reference
            ask = asked_of(self.sight.host.read, service, reference)
            if image_id(reference, facts) and not knowledge(ask, service, self.found.current).lost:
                return Descent(target, release.commit, service.name, self.found.wanted), ask
        raise refused(
            f"{self.name}: no image that knows revision {self.found.current} is on the server any"
            f" more, so nothing can take it down; {_from_backup(self.sight, self.found)}"
        )

    def reversible(self, descent: Descent, ask: Asked) -> list[Harm]:
        """What the downgrade takes away; exit code 2 when there is no downgrade."""
        words, upper, lower = descent.migration.down_sql, self.found.current, descent.to
        if not descent.migration.down or not words:
            raise refused(
                f"{self.name}: x-deploy.{descent.service}.migrate of {descent.commit[:8]} has no"
                f" down and down-sql; {_from_backup(self.sight, self.found)}"
            )
        output = ask(between(words, upper, lower))
        if not output.ok:
            raise refused(
                f"{self.name}: the migration {lower} → {upper} is irreversible;"
                f" {_from_backup(self.sight, self.found)}",
                output.tail(1),
            )
        return harms(output.stdout)
