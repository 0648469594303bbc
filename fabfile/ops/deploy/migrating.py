"""Migrations: judged before anything is touched, secured, moved up, and down when it is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from ...model.deploy.plan import Kind, Plan, Step, Target
from ...model.errors import Trouble
from ...model.facts import Facts
from ...model.framing import lines_of
from ...model.hints import Migration, between, revision
from ...model.stack import Service
from ...remote.data import postgres
from ...remote.deploy import compose, git
from ...remote.gathering import Gathering
from ...remote.host import Host
from ...remote.output import Output
from ..data.databases import from_service
from .reviewing import ASK, Review, asked_of, current_revision, review, review_now
from .securing import secure


@dataclass(frozen=True)
class Descent:
    """A downgrade: by the images of which commit, and to which revision."""

    target: Target
    """Of the newer release."""
    commit: str
    service: str
    to: str

    @property
    def migration(self) -> Migration:
        """How the newer release moves its schema."""
        migration = self.target.stack.service(self.service).hints.migrate
        assert migration is not None
        return migration


@dataclass(frozen=True)
class Place:
    """Where one-off containers start: a host, and the file of a commit's stack there."""

    host: Host
    apart: PurePosixPath


@dataclass
class Schema:
    """The schema of the database during one run."""

    target: Target
    facts: Facts
    release: str
    """Id of the release that is being made."""
    allow: bool = False
    """Whether a migration may be destructive."""
    descent: Descent | None = None
    previewed: Mapping[str, Review] = field(default_factory=dict)
    """Service → what its image, which was there before this run, made of the database then."""
    revision: str = ""
    """Of the database, once a step has asked for it."""
    backup: str = ""
    """Name of the verified backup that was taken before it was moved."""
    lowered: bool = False
    """Whether this run began to take the schema down."""
    reviewed: dict[str, Review] = field(default_factory=dict)
    """Service → what its new image makes of the database."""

    def review(self, host: Host, step: Step) -> str:
        """Judge what the new image would do to the database that runs."""
        service = self.target.stack.service(step.subject)
        found = self.previewed.get(service.name)
        if found is None or found.current != current_revision(host, self.target, self.facts):
            reference = self.target.images[service.name].reference
            ask = asked_of(host.write, service, reference)
            found = review_now(host, ask, service, self.target, self.facts)
        if found is None:
            return "the database cannot be asked yet: judged when it is migrated"
        found.require(host.name, allow=self.allow)
        if not found.wanted:  # a host that cannot write gives no answer
            return ""
        self.reviewed[service.name] = found
        if found.current == found.wanted:
            return f"nothing pending, at {found.current}"
        return ", ".join(
            (f"{found.current or 'empty'} → {found.wanted}", *(h.what for h in found.harms))
        )

    def stays(self, service: str) -> bool:
        """Whether a review found that its image wants the revision which the database has."""
        found = self.reviewed.get(service)
        return found is not None and found.current == found.wanted

    def secure(self, place: Place, plan: Plan) -> str:
        """Only when the schema will move: what that may destroy must be there to come back."""
        if self.descent:
            return self._secure(place.host)
        for step in plan.steps:
            if step.kind is Kind.MIGRATE:
                service = self.target.stack.service(step.subject)
                seen = self.reviewed.get(service.name)
                current, wanted = (
                    (seen.current, seen.wanted) if seen else self._revisions(place, service)
                )
                if current != wanted:
                    return self._secure(place.host)
        return "nothing pending"

    def migrate(self, place: Place, step: Step) -> str:
        """Only when the database's revision is not the one that the new image wants."""
        service = self.target.stack.service(step.subject)
        migration = service.hints.migrate
        if migration is None:
            return ""
        current, wanted = self._revisions(place, service)
        self.revision = current
        if current == wanted:
            return f"nothing pending, at {current}"
        # Where the database was not running before, nothing could be judged or secured in time.
        if service.name not in self.reviewed:
            reference = self.target.images[service.name].reference
            found = review(asked_of(place.host.write, service, reference), service, current)
            found.require(place.host.name, allow=self.allow)
        self._secure(place.host)
        self._move(place, service, migration.run, "the migration failed")
        self.revision = self._ask(place, service, migration.current, "the revision is unknown")
        return f"{current or 'empty'} → {self.revision}"

    def lower(self, host: Host) -> str:
        """Take the schema down by the newer release's image, in its own stack."""
        descent = self.descent
        assert descent is not None
        service = descent.target.stack.service(descent.service)
        tree = git.worktree(host, descent.commit)
        try:
            place = Place(host, compose.stage_apart(host, tree, descent.target))
            ask = (descent.migration.current, "the database's revision is unknown")
            before = self._ask(place, service, *ask)
            self._secure(host)
            self.lowered = True
            words = between(descent.migration.down, before, descent.to)
            self._move(place, service, words, "the downgrade failed")
            self.revision = self._ask(place, service, *ask)
        finally:
            git.remove_worktree(host, tree)
        if self.revision != descent.to and before:
            message = f"{host.name}: the downgrade left revision {self.revision or 'none'}"
            raise Trouble(f"{message}, not {descent.to}")
        return f"{before} → {self.revision}"

    def _secure(self, host: Host) -> str:
        if self.backup:
            return ""
        self.backup, note = secure(host, self.target.stack, f"before {self.release}")
        return note

    def _revisions(self, place: Place, service: Service) -> tuple[str, str]:
        """The revision that the database has, and the one that the new image wants."""
        migration = service.hints.migrate
        assert migration is not None
        if seen := self.reviewed.get(service.name):
            now = current_revision(place.host, self.target, self.facts)
            if now is not None:
                return now, seen.wanted
        together = Gathering(place.host)
        for words in (migration.current, migration.target):
            compose.run_once(together, place.apart, service.name, words, ASK)
        current, *wanted = together.done()
        return (
            _revision(place, current, "the database's revision is unknown"),
            _revision(place, wanted[0], "the image's revision is unknown"),
        )

    def _ask(self, place: Place, service: Service, words: Sequence[str], trouble: str) -> str:
        output = compose.run_once(place.host, place.apart, service.name, words, ASK)
        return _revision(place, output, trouble)

    def _move(self, place: Place, service: Service, words: Sequence[str], trouble: str) -> None:
        """Move the schema; when this returns or raises, nothing of it runs any more."""
        database = self.target.stack.database
        asked = None
        if database and (
            container := self.facts.container(self.target.stack.project, database.name)
        ):
            asked = from_service(database, container.image)
        one_off = compose.one_off_words(
            place.host, place.apart, service.name, words, self.container
        )
        output = postgres.migrate(place.host, self.container, asked, one_off)
        if output.code == 124:
            raise Trouble(
                f"{place.host.name}: {trouble}: it did not end within"
                f" {postgres.MIGRATION_TIMEOUT} s and was ended",
                evidence=output.tail(),
            )
        if not output.ok:
            raise Trouble(f"{place.host.name}: {trouble}{_cause(output)}", evidence=output.tail())

    @property
    def container(self) -> str:
        """The name of the container that moves the schema."""
        return f"{self.target.stack.project}-migrate"


def _revision(place: Place, output: Output, trouble: str) -> str:
    """The revision that an answer tells; ``trouble``: what it means that there is none."""
    if not output.ok:
        raise Trouble(f"{place.host.name}: {trouble}", evidence=output.tail())
    return revision(output.stdout)


def _cause(output: Output) -> str:
    """The line of a migration tool that a person looks for, if it is there."""
    for line in reversed(lines_of(output.stderr)):
        if "lock timeout" in line:
            return ": another session holds a lock on what it changes (lock timeout)"
    return ""
