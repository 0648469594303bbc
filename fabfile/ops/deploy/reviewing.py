"""Reviewing migrations: what an image knows, and what it would do to the database that runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ...model.data.ddl import Harm, harms
from ...model.deploy.plan import Kind, Plan, Target, Wish
from ...model.deploy.reasons import image_id
from ...model.deploy.replaced import replaced, told
from ...model.errors import Trouble, refused
from ...model.facts import Facts
from ...model.hints import between, revision, revisions
from ...model.stack import Service
from ...remote.data import postgres
from ...remote.deploy import compose
from ...remote.host import Host
from ...remote.output import Output
from ..data.databases import from_service
from ..session import at_once
from ..sight import Sight

ASK = 60
"""Seconds that an image may take to answer a question about its migrations."""
ALLOW = "--allow-destructive"

Asked = Callable[[Sequence[str]], Output]
"""Words to what a container of an image says to them, apart from everything."""


@dataclass(frozen=True)
class Review:
    """What an image makes of the revision that the database has."""

    service: str
    current: str
    """Of the database; empty: it has none."""
    wanted: str
    known: tuple[str, ...]
    harms: tuple[Harm, ...] = ()
    """What lies between them destroys or breaks."""

    @property
    def lost(self) -> bool:
        """Whether the image does not know the database's revision."""
        return bool(self.current and self.wanted) and self.current not in self.known

    @property
    def told(self) -> list[str]:
        """Each harm with where it happens."""
        return [f"migration {self.current} → {self.wanted} {harm.what}" for harm in self.harms]

    def require(self, name: str, *, allow: bool) -> None:
        """Exit code 2 when the image must not meet this database."""
        if self.lost:
            raise refused(
                f"{name}: the database is at revision {self.current}, which the image of"
                f" {self.service} does not know (its own is {self.wanted});"
                f" to run an older release: fab {name}.rollback --help"
            )
        if self.harms and not allow:
            raise refused(
                f"{name}: the migration {self.current} → {self.wanted} is destructive;"
                f" {ALLOW} runs it after a verified backup",
                self.told,
            )


def knowledge(ask: Asked, service: Service, current: str) -> Review:
    """Ask an image which revisions it knows; not when the database has the one that it wants."""
    migration = service.hints.migrate
    assert migration is not None
    wanted = revision(_answer(ask(migration.target), service))
    known = [wanted]
    if migration.known and current != wanted:
        known = revisions(_answer(ask(migration.known), service))
    return Review(service.name, current, wanted, tuple(known))


def review(ask: Asked, service: Service, current: str) -> Review:
    """Ask an image also what it would do to a database at ``current``."""
    found, migration = knowledge(ask, service, current), service.hints.migrate
    if not current or not found.wanted or current == found.wanted or found.lost:
        return found
    assert migration is not None
    return replace(found, harms=judged(ask, migration.sql, current, found.wanted))


def review_now(
    host: Host, ask: Asked, service: Service, target: Target, facts: Facts
) -> Review | None:
    """As :func:`review`, of the revision that the database has; None when it cannot be asked.

    The database and the image are asked at once.
    """
    migration = service.hints.migrate
    if migration is None or not _answers(target, facts):
        return None
    current, wanted = at_once(
        lambda: current_revision(host, target, facts), lambda: ask(migration.target)
    )
    if current is None:
        return None
    known = {migration.target: wanted}
    return review(lambda words: known.get(tuple(words)) or ask(words), service, current)


def judged(ask: Asked, words: Sequence[str], lower: str, upper: str) -> tuple[Harm, ...]:
    """What lies between two revisions destroys; what cannot be judged counts too."""
    if not words:
        return ()
    output = ask(between(words, lower, upper))
    if output.ok:
        return tuple(harms(output.stdout))
    said = (*output.tail(1), f"exit code {output.code}")[0]
    return (Harm(f"cannot be shown as SQL, so nobody can judge it: {said}", True),)


def _answer(output: Output, service: Service) -> str:
    if not output.ok:
        what = f"the image of {service.name} does not tell its revisions"
        raise Trouble(what, evidence=output.tail())
    return output.stdout


def asked_of(run: Callable[..., Output], service: Service, reference: str) -> Asked:
    """Questions to an image. ``run``: the host's ``read``, or ``write`` where it is of a step."""

    def ask(words: Sequence[str]) -> Output:
        return compose.apart(run, service, reference, words, ASK)

    return ask


def current_revision(host: Host, target: Target, facts: Facts) -> str | None:
    """The database's revision, as PostgreSQL has it; None when it cannot be asked."""
    database = _answers(target, facts)
    return postgres.revision(host, database) if database else None


def _answers(target: Target, facts: Facts) -> postgres.Postgres | None:
    """The database, when it runs and knows its revision."""
    service = target.stack.database
    container = facts.container(target.stack.project, service.name) if service else None
    if service is None or container is None or container.state != "running":
        return None
    database = from_service(service, container.image)
    return database if database.revision else None


def preview(sight: Sight, plan: Plan, wish: Wish) -> tuple[Plan, dict[str, Review]]:
    """The plan with what it takes away, as far as the images are there to be asked.

    That is a release that is not in its commit, and what its migrations destroy. With what each
    service's image said, but for those that the plan builds anew. Exit code 2 when it is not
    allowed. What is not there yet is asked when it is built.
    """
    target, gone = sight.require(), replaced(sight.facts)
    notes = [*([told(gone)] if gone else []), *plan.notes]
    reviews: dict[str, Review] = {}
    built = {
        target.images[step.subject].reference for step in plan.steps if step.kind is Kind.BUILD
    }
    for step in plan.steps:
        if step.kind is not Kind.MIGRATE:
            continue
        service = target.stack.service(step.subject)
        reference = target.images[service.name].reference
        if not image_id(reference, sight.facts):
            continue
        ask = asked_of(sight.host.read, service, reference)
        found = review_now(sight.host, ask, service, target, sight.facts)
        if found is None:
            continue
        found.require(plan.server, allow=wish.allow_destructive)
        notes += found.told
        if reference not in built:
            reviews[service.name] = found
    return replace(plan, notes=tuple(notes)), reviews
