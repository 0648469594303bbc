"""How each kind of step is done on a server. In which order and why is the plan's business."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from ..model.errors import Trouble
from ..model.facts import Facts
from ..model.plan import FOLDERS, Kind, Plan, Step, Target
from ..model.probe import Probe, Question
from ..model.release import Release
from ..remote import compose, git, state
from ..remote.host import Host, Output
from ..remote.http import ask_on_server
from ..remote.look import look

MIGRATE = 600
"""Seconds that migrations may take."""
GENERATION_PORT = 8090
"""Port, on the proxy's own address, at which it answers the digest of its configuration."""
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
    tree: PurePosixPath = PurePosixPath()
    """The worktree of the commit, from the fetch on."""
    images: PurePosixPath = PurePosixPath()
    """The compose override that names images by content."""

    def perform(self, step: Step) -> str:
        """Do one step; returns a note for the person who watches."""
        doers: dict[Kind, Callable[[Step], str]] = {
            Kind.BOOTSTRAP: self.bootstrap,
            Kind.FETCH: self.fetch,
            Kind.CERTIFICATE: self.certificate,
            Kind.TRUST: self.trust,
            Kind.PULL: self.pull,
            Kind.BUILD: self.build,
            Kind.SMOKE: self.smoke,
            Kind.TEST_PROXY: self.test_proxy,
            Kind.START: self.start,
            Kind.MIGRATE: self.migrate,
            Kind.CHECKOUT: self.checkout,
            Kind.ROLL: self.roll,
            Kind.RELOAD: self.reload,
        }
        return doers[step.kind](step)

    def bootstrap(self, _step: Step) -> str:
        root = self.host.server.root
        folders = [str(root), *(str(root / name) for name in FOLDERS)]
        state.make_folders(self.host, [*folders, *self.target.stack.volume_folders])
        return ""

    def fetch(self, _step: Step) -> str:
        git.fetch(self.host, self.plan.commit, self.release.id)
        self.tree = git.worktree(self.host, self.plan.commit)
        self.images = compose.override(self.host, self.tree, self.target.images)
        return ""

    def certificate(self, _step: Step) -> str:
        server = self.host.server
        state.make_certificate(self.host, [*server.domains, server.address])
        return ""

    def trust(self, _step: Step) -> str:
        state.trust(self.host, self.called_certificate)
        return ""

    def pull(self, step: Step) -> str:
        compose.pull(self.host, step.subject)
        return ""

    def build(self, step: Step) -> str:
        compose.build(self.host, self.tree, self.images, step.subject)
        return self.target.images[step.subject].reference

    def smoke(self, step: Step) -> str:
        service = self.target.stack.service(step.subject)
        reference = self.target.images[service.name].reference
        output = compose.smoke(self.host, service, reference)
        self._require(output, f"the new image {reference} does not start")
        return ""

    def test_proxy(self, step: Step) -> str:
        self._write_callers()
        proxy = self.target.stack.service(step.subject)
        reference = self.target.images[proxy.name].reference
        output = compose.test_proxy(self.host, self.tree, self.target.stack, proxy, reference)
        self._require(output, "nginx refuses the new configuration")
        return ""

    def start(self, step: Step) -> str:
        self._up(self.tree, step.subject)
        return ""

    def migrate(self, step: Step) -> str:
        service = self.target.stack.service(step.subject)
        output = compose.run_once(
            self.host, self.tree, self.images, service.name, service.hints.migrate, MIGRATE
        )
        self._require(output, "the migration failed")
        return ""

    def checkout(self, _step: Step) -> str:
        patch = state.release_folder(self.host, self.release) / "edited.patch"
        git.checkout(self.host, self.plan.commit, patch)
        return f"edits kept in {patch}" if self.facts.edited else ""

    def roll(self, step: Step) -> str:
        compose.move_stable(self.host, {step.subject: self.target.images[step.subject]})
        service = self.target.stack.service(step.subject)
        if service.hints.proxy:
            self._write_generation()
        self._up(self.host.server.path, service.name)
        proxy = self.target.stack.proxy
        if proxy is None:
            return ""
        if service.hints.proxy:
            self._prove_generation()
        elif self.facts.container(self.target.stack.project, proxy.name):
            self._reload(proxy.container)
        return ""

    def reload(self, step: Step) -> str:
        self._write_generation()
        self._reload(self.target.stack.service(step.subject).container)
        self._prove_generation()
        return f"configuration {self.target.generation} is loaded"

    def _write_callers(self) -> None:
        if self.target.callers:
            state.write_callers(self.host, self.target.callers)

    def _write_generation(self) -> None:
        state.write_generation(self.host, self.target.generation)

    def _reload(self, container: str) -> None:
        output = compose.reload_proxy(self.host, container)
        self._require(output, "nginx refuses to reload")

    def _prove_generation(self) -> None:
        self.host.wait(
            f"configuration {self.target.generation} in nginx", self._generation_is_served, RELOAD
        )

    def _generation_is_served(self) -> bool:
        stack, proxy = self.target.stack, self.target.stack.proxy
        container = look(self.host).container(stack.project, proxy.name) if proxy else None
        if container is None:
            return False
        url = f"http://{container.address}:{GENERATION_PORT}/generation"
        (answer,) = ask_on_server(self.host, [Question("generation", url, Probe())], {})
        return answer.status == 200 and answer.body.strip() == self.target.generation

    def _up(self, tree: PurePosixPath, name: str) -> None:
        output = compose.up(self.host, tree, name)
        if not output.ok:
            container = self.target.stack.service(name).container
            lines = compose.last_lines(self.host, container)
            raise Trouble(
                f"{self.host.name}: {name} did not become healthy; the end of its log is below",
                evidence=(*output.tail(3), *lines),
            )

    def _require(self, output: Output, what: str) -> None:
        if not output.ok:
            raise Trouble(f"{self.host.name}: {what}", evidence=output.tail())
