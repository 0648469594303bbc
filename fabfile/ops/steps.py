"""How each kind of step is done on a server. In which order and why is the plan's business."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ..model.decide import FOLDERS
from ..model.errors import Trouble
from ..model.facts import Facts
from ..model.hints import revision
from ..model.plan import Kind, Plan, Step, Target
from ..model.release import Release
from ..model.stack import Service
from ..remote import compose, git, state
from ..remote.host import Host, Output
from ..remote.look import look
from .rolling import Rolling
from .securing import secure

MIGRATE = 600
"""Seconds that migrations may take."""


@dataclass
class Steps:
    """The steps of one deploy on one server."""

    host: Host
    target: Target
    facts: Facts
    plan: Plan
    release: Release
    called_certificate: str
    fetched: bool = False
    schema: str = ""
    """Revision of the database, once a migration step has asked for it."""
    backup: str = ""
    """Name of the verified backup that was taken before the migration."""
    tree: PurePosixPath = PurePosixPath()
    """The worktree of the commit, from the fetch on."""
    images: PurePosixPath = PurePosixPath()
    """The compose override that names images by content."""

    def __post_init__(self) -> None:
        self.rolling = Rolling(self.host, self.target, self.facts)

    def work_on(self, host: Host) -> None:
        """Do the steps by way of this host."""
        self.host = self.rolling.host = host

    def perform(self, step: Step) -> str:
        """Do one step; returns a note for the person who watches."""
        doers: dict[Kind, Callable[[Step], str]] = {
            Kind.BOOTSTRAP: self._bootstrap,
            Kind.FETCH: self._fetch,
            Kind.CERTIFICATE: self._certificate,
            Kind.TRUST: self._trust,
            Kind.PULL: self._pull,
            Kind.BUILD: self._build,
            Kind.SMOKE: self._smoke,
            Kind.TEST_PROXY: self._test_proxy,
            Kind.BACKUP: self._backup,
            Kind.START: self._start,
            Kind.MIGRATE: self._migrate,
            Kind.CHECKOUT: self._checkout,
            Kind.RETAG: self._retag,
            Kind.REMOVE: self._remove,
            Kind.ROLL: self.rolling.roll,
            Kind.RELOAD: self.rolling.reload,
        }
        return doers[step.kind](step)

    def _bootstrap(self, _step: Step) -> str:
        root = self.host.server.root
        folders = [str(root), *(str(root / name) for name in FOLDERS)]
        state.make_folders(self.host, [*folders, *self.target.stack.volume_folders])
        return ""

    def _fetch(self, _step: Step) -> str:
        git.fetch(self.host, self.plan.commit, self.release.id)
        self.fetched = True
        self.tree = git.worktree(self.host, self.plan.commit)
        self.images = compose.override(self.host, self.tree, self.target.images)
        return ""

    def _certificate(self, _step: Step) -> str:
        server = self.host.server
        state.make_certificate(self.host, [*server.domains, server.address])
        return ""

    def _trust(self, _step: Step) -> str:
        state.trust(self.host, self.called_certificate)
        return ""

    def _pull(self, step: Step) -> str:
        output = compose.pull(self.host, step.subject)
        self._require(output, f"image {step.subject} cannot be pulled")
        return ""

    def _build(self, step: Step) -> str:
        wanted = self.target.images[step.subject]
        if step.force:
            compose.keep_under_id(self.host, wanted.reference)
        output = compose.build(self.host, self.tree, self.images, step.subject, fresh=step.force)
        self._require(output, f"the build of {step.subject} failed")
        compose.trim_cache(self.host)
        return wanted.reference

    def _smoke(self, step: Step) -> str:
        service = self.target.stack.service(step.subject)
        reference = self.target.images[service.name].reference
        output = compose.smoke(self.host, service, reference)
        self._require(output, f"the new image {reference} does not start")
        return ""

    def _test_proxy(self, step: Step) -> str:
        self.rolling.test(step, self.tree)
        return ""

    def _start(self, step: Step) -> str:
        compose.up(self.host, self.tree, self.target.stack.service(step.subject), force=step.force)
        self.rolling.present.add(step.subject)
        return ""

    def _backup(self, _step: Step) -> str:
        """Only when a migration is pending: what it may destroy must be there to come back."""
        for step in self.plan.steps:
            if step.kind is Kind.MIGRATE:
                current, wanted = self._revisions(self.target.stack.service(step.subject))
                if current != wanted:
                    return self._secure()
        return "nothing pending"

    def _secure(self) -> str:
        if self.backup:
            return ""
        reason = f"before {self.release.id}"
        self.backup, note = secure(self.host, self.target.stack, reason)
        return note

    def _revisions(self, service: Service) -> tuple[str, str]:
        """The revision that the database has, and the one that the new image wants."""
        migration = service.hints.migrate
        assert migration is not None
        current = self._migration(service, migration.current, "the database's revision is unknown")
        wanted = self._migration(service, migration.target, "the image's revision is unknown")
        return current, wanted

    def _migrate(self, step: Step) -> str:
        """Only when the database's revision is not the one that the new image wants."""
        service = self.target.stack.service(step.subject)
        migration = service.hints.migrate
        if migration is None:
            return ""
        current, wanted = self._revisions(service)
        self.schema = current
        if current == wanted:
            return f"nothing pending, at {current}"
        # Where the database was not running before, nothing could be secured in time.
        self._secure()
        self._migration(service, migration.run, "the migration failed")
        self.schema = self._migration(service, migration.current, "the revision is unknown")
        return f"{current or 'empty'} → {self.schema}"

    def _migration(self, service: Service, words: Sequence[str], trouble: str) -> str:
        output = compose.run_once(self.host, self.tree, self.images, service.name, words, MIGRATE)
        self._require(output, trouble)
        return revision(output.stdout)

    def _checkout(self, _step: Step) -> str:
        patch = state.release_folder(self.host, self.release) / "edited.patch"
        git.checkout(self.host, self.plan.commit, patch)
        return f"edits kept in {patch}" if self.facts.edited else ""

    def _retag(self, step: Step) -> str:
        compose.move_stable(self.host, self.target.images[step.subject])
        return ""

    def _remove(self, step: Step) -> str:
        compose.remove(self.host, step.subject)
        return ""

    def watch(self, services: Sequence[str], seconds: int) -> None:
        """Wait whether a container of ``services`` dies after it was healthy."""
        stack = self.target.stack
        died = compose.first_death(self.host, stack.project, seconds)
        facts = look(self.host)
        for name in services:
            container = facts.container(stack.project, name)
            restarts = container.restarts if container else 0
            if container is None or container.state != "running" or restarts or name == died:
                raise Trouble(
                    f"{self.host.name}: {name} was healthy, then died; the end of its log is below",
                    evidence=compose.last_lines(self.host, stack.service(name).container),
                )

    def _require(self, output: Output, what: str) -> None:
        if not output.ok:
            raise Trouble(f"{self.host.name}: {what}", evidence=output.tail())
