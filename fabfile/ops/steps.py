"""How each kind of step is done on a server. In which order and why is the plan's business."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from ..model.decide import FOLDERS
from ..model.errors import Trouble
from ..model.facts import Facts
from ..model.hints import revision
from ..model.plan import Kind, Plan, Step, Target
from ..model.probe import Probe, Question, judge
from ..model.release import Release
from ..model.stack import Service
from ..remote import compose, git, state
from ..remote.host import Host, Output
from ..remote.http import ask_on_server
from ..remote.look import look
from .securing import secure

MIGRATE = 600
"""Seconds that migrations may take."""
PROOF_PORT = 8090
"""Port, on the proxy's own address, at which it answers what it has loaded and whom it reaches."""
RELOAD = 20
"""Seconds after a reload within which the new configuration must answer."""


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
    present: set[str] = field(default_factory=set)
    """Services that have a running container: the names that nginx can resolve."""
    tree: PurePosixPath = PurePosixPath()
    """The worktree of the commit, from the fetch on."""
    images: PurePosixPath = PurePosixPath()
    """The compose override that names images by content."""

    def __post_init__(self) -> None:
        project = self.target.stack.project
        self.present = {
            container.service
            for container in self.facts.containers
            if container.project == project and container.service and container.state == "running"
        }

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
            Kind.ROLL: self._roll,
            Kind.RELOAD: self._reload,
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
        return wanted.reference

    def _smoke(self, step: Step) -> str:
        service = self.target.stack.service(step.subject)
        reference = self.target.images[service.name].reference
        output = compose.smoke(self.host, service, reference)
        self._require(output, f"the new image {reference} does not start")
        return ""

    def _test_proxy(self, step: Step) -> str:
        self._write_callers()
        proxy = self.target.stack.service(step.subject)
        reference = self.target.images[proxy.name].reference
        output = compose.test_proxy(self.host, self.tree, self._names(), proxy, reference)
        self._require(output, "nginx refuses the new configuration")
        return ""

    def _names(self) -> list[str]:
        """Every name that the proxy may know: of the wanted stack, and of what runs now."""
        stack = self.target.stack
        names = {name for one in stack.services for name in (one.name, one.container)}
        for container in self.facts.containers:
            if container.project == stack.project and container.service:
                names |= {container.service, container.name}
        return sorted(names)

    def _start(self, step: Step) -> str:
        self._up(self.tree, step)
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

    def _roll(self, step: Step) -> str:
        """Replace one container; the next only when the proxy really reaches this one."""
        compose.move_stable(self.host, self.target.images[step.subject])
        service = self.target.stack.service(step.subject)
        proxy = self.target.stack.proxy
        if proxy == service:
            epoch = self._write_proof()
            self._up(self.host.server.path, step)
            self._prove(service, epoch)
            return ""
        self._up(self.host.server.path, step)
        if proxy and self._resolvable():
            self._load(proxy, service)
        return ""

    def _resolvable(self) -> bool:
        """Whether the proxy runs and finds every name: else a reload waits for the next roll."""
        stack = self.target.stack
        return {one.name for one in stack.services if not one.hints.keep} <= self.present

    def _reload(self, step: Step) -> str:
        self._load(self.target.stack.service(step.subject))
        return f"configuration {self.target.generation} is loaded"

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

    def _write_callers(self) -> None:
        if self.target.callers:
            state.write_callers(self.host, self.target.callers)

    def _write_proof(self) -> str:
        """What the proxy answers about itself once it has loaded its configuration; the epoch."""
        epoch = secrets.token_hex(8)
        reach = {
            # By the container's name: an upstream of nginx may be called like the service.
            service.name: f"http://{service.container}:{service.hints.port}{service.hints.path}"
            for service in self.target.stack.services
            if service.hints.probe and service.name in self.present
        }
        state.write_proof(self.host, self.target.generation, epoch, reach)
        return epoch

    def _load(self, proxy: Service, reached: Service | None = None) -> None:
        epoch = self._write_proof()
        output = compose.reload_proxy(self.host, proxy.container)
        self._require(output, "nginx refuses to reload")
        self._prove(proxy, epoch, reached)

    def _prove(self, proxy: Service, epoch: str, reached: Service | None = None) -> None:
        """Wait until nginx answers from what it loaded just now, and reaches the new container.

        Its actual address is compared: a name that nginx resolved earlier may be another one's now.
        """
        facts = look(self.host)
        project = self.target.stack.project
        proxy_container = facts.container(project, proxy.name)
        base = f"http://{proxy_container.address if proxy_container else ''}:{PROOF_PORT}"
        questions = [Question("epoch", f"{base}/epoch", Probe(contains=epoch))]
        address = ""
        if reached and reached.hints.probe:
            container = facts.container(project, reached.name)
            address = f"{container.address if container else ''}:{reached.hints.port}"
            questions.append(Question("reach", f"{base}/reach/{reached.name}", Probe()))

        def proved() -> bool:
            answers = ask_on_server(self.host, questions, {})
            loaded = judge(questions[0], answers[0]).ok
            return loaded and (not address or answers[1].headers.get("x-reached") == address)

        what = f"nginx with configuration {self.target.generation}"
        if reached:
            what += f" reaching {reached.name} at {address}"
        self.host.wait(what, proved, RELOAD)

    def _up(self, tree: PurePosixPath, step: Step) -> None:
        name = step.subject
        output = compose.up(self.host, tree, name, force=step.force)
        if not output.ok:
            container = self.target.stack.service(name).container
            lines = compose.last_lines(self.host, container)
            raise Trouble(
                f"{self.host.name}: {name} did not become healthy; the end of its log is below",
                evidence=(*output.tail(3), *lines),
            )
        self.present.add(name)

    def _require(self, output: Output, what: str) -> None:
        if not output.ok:
            raise Trouble(f"{self.host.name}: {what}", evidence=output.tail())
