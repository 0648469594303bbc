"""How each kind of step is done on a server. In which order and why is the plan's business."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

from ...model.access.folders import modes
from ...model.certificates.certificate import names_in
from ...model.deploy.content import passed_name
from ...model.deploy.plan import Kind, Step
from ...model.errors import Trouble
from ...model.facts import Facts
from ...remote import state
from ...remote.access import guard
from ...remote.deploy import compose, git, idle, images
from ...remote.gathering import Gathering
from ...remote.host import Host
from ...remote.look import look
from ...remote.output import Output
from ..session import at_once
from .besides import Beside
from .building import Building
from .decided import Decided
from .migrating import Place, Schema
from .record import Record
from .rolling import Rolling


class Steps:
    """The steps of one decision on one server."""

    def __init__(
        self, decided: Decided, record: Record, building: Building, pause: Callable[[], None]
    ) -> None:
        """``pause`` raises when somebody asked to end early."""
        self.building = building
        self.host = decided.sight.host
        self.target = decided.target
        self.plan = decided.plan
        self.record = record
        self.release = release = record.release
        self.called_certificate = decided.called_certificate
        self.fetched = False
        self.tree = PurePosixPath()
        """The worktree of the commit, from the fetch on."""
        self.apart = PurePosixPath()
        """The commit's stack, for what is built and run from that tree."""
        facts = decided.sight.facts
        project = self.target.stack.project
        there = {
            one.service: len(facts.containers_of(project, one.service))
            for one in self.plan.replacing
        }
        self.rolling = Rolling(self.host, self.target, facts, scales=there)
        self.beside = Beside(self.host, self.target, facts, self.plan, self.rolling, pause)
        self.schema = Schema(
            self.target,
            facts,
            release.id,
            decided.allow_destructive,
            decided.descent,
            decided.reviews,
        )

    def rehearse(self, dry: Callable[[Host], Host]) -> None:
        """Do the steps by way of hosts that cannot write, as if nothing had been asked yet."""
        self.host = self.rolling.host = self.beside.host = dry(self.host)
        self.building.dry = dry
        self.schema.previewed = {}

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
            Kind.REVIEW: self._review,
            Kind.BACKUP: self._backup,
            Kind.UP: self._up,
            Kind.MIGRATE: self._migrate,
            Kind.CHECKOUT: self._checkout,
            Kind.RETAG: self._retag,
            Kind.REMOVE: self.rolling.remove,
            Kind.ROLL: self.rolling.roll,
            Kind.HOLD: lambda step: self.beside.hold(step.subject),
            Kind.START: lambda step: self.beside.start(step.subject),
            Kind.CANARY: lambda step: self.beside.canary(step.subject),
            Kind.SWITCH: lambda step: self.beside.switch(step.subject),
            Kind.RETIRE: lambda step: self.beside.retire(step.subject),
            Kind.RELOAD: self.rolling.reload,
            Kind.GUARD: self._guard,
            Kind.DOWNGRADE: self._downgrade,
        }
        return doers[step.kind](step)

    def _bootstrap(self, _step: Step) -> str:
        state.make_folders(self.host, modes(self.host.server), self.target.stack.volume_folders)
        if not self.rolling.facts.env_stat:
            state.make_env(self.host)
        return ""

    def _fetch(self, _step: Step) -> str:
        together = Gathering(self.host)
        self.record.open(together)
        git.fetch(together, self.plan.commit, self.release.id)
        self.tree = git.worktree(together, self.plan.commit)
        self.apart = compose.stage_apart(together, self.tree, self.target)
        self.fetched = True
        together.done()
        return ""

    def _certificate(self, _step: Step) -> str:
        server = self.host.server
        # The way back asks for the names of before.
        names = [*server.domains, server.address, *names_in(self.rolling.facts.certificate)]
        state.make_certificate(self.host, list(dict.fromkeys(names)))
        return ""

    def _trust(self, _step: Step) -> str:
        state.trust(self.host, self.called_certificate)
        return ""

    def _pull(self, step: Step) -> str:
        output = images.pull(self.host, step.subject)
        self._require(output, f"image {step.subject} cannot be pulled")
        return ""

    def _build(self, step: Step) -> str:
        return self.building.build(self.host, step, self.tree, self.apart)

    def _smoke(self, step: Step) -> str:
        service = self.target.stack.service(step.subject)
        wanted = self.target.images[service.name]
        if service.probed_first and self.schema.stays(service.name):
            return "no migration is pending: its replicas are asked before they serve"
        together = Gathering(self.host)
        compose.smoke(together, service, wanted.reference)
        images.name(together, wanted.reference, passed_name(wanted, service.hints.smoke))
        self._require(together.done()[0], f"the new image {wanted.reference} does not start")
        return ""

    def _test_proxy(self, step: Step) -> str:
        self.rolling.test(step, self.tree, self.plan.tried)
        return ""

    def _up(self, step: Step) -> str:
        service = self.target.stack.service(step.subject)
        stack = compose.stage_stack(self.host, self.tree, self.target)
        compose.up(self.host, service, stack=stack, force=step.force)
        self.rolling.present.add(step.subject)
        return ""

    def _review(self, step: Step) -> str:
        return self.schema.review(self.host, step)

    def _backup(self, _step: Step) -> str:
        return self.schema.secure(self._place, self.plan)

    def _migrate(self, step: Step) -> str:
        return self.schema.migrate(self._place, step)

    def _downgrade(self, _step: Step) -> str:
        return self.schema.lower(self.host)

    @property
    def _place(self) -> Place:
        return Place(self.host, self.apart)

    def _checkout(self, _step: Step) -> str:
        folder = state.release_folder(self.host, self.release)
        kept = git.checkout(self.host, self.plan.commit, folder)
        files = ", ".join(str(folder / name) for name in kept)
        return f"what was edited here is kept: {files}" if kept else ""

    def _retag(self, step: Step) -> str:
        images.move_stable(self.host, self.target.images[step.subject])
        return ""

    def _guard(self, step: Step) -> str:
        return guard.close(self.host, step.subject)

    def clear(self, host: Host) -> None:
        """What a run leaves for nobody goes."""
        if self.fetched:
            git.remove_worktree(host, self.tree, last=True)

    def watch(self, services: Sequence[str], seconds: int) -> tuple[list[str], Facts]:
        """Wait whether a container of ``services`` dies after it was healthy.

        Returns a line for each service that closes idle connections before the proxy does, and how
        the server looks at the end.
        """
        stack = self.target.stack
        died, early = at_once(
            lambda: compose.first_death(self.host, stack.project, seconds),
            lambda: idle.impatient(self.host, stack, min(seconds, idle.HOLD), self.beside.asked()),
        )
        facts = look(self.host)
        if dead := self.beside.dead(facts):
            service, one = dead
            raise Trouble(
                f"{self.host.name}: a new replica of {service} was healthy, then died; the end of"
                " its log is below",
                evidence=compose.last_lines(self.host, one),
            )
        for name in services:
            if name in self.beside.plans:
                continue  # the former replicas are none of those that must stay
            container = facts.container(stack.project, name)
            if container and stack.service(name).done(container.state, container.exit_code):
                continue
            restarts = container.restarts if container else 0
            if container is None or container.state != "running" or restarts or name == died:
                raise Trouble(
                    f"{self.host.name}: {name} was healthy, then died; the end of its log is below",
                    evidence=compose.last_lines(
                        self.host, container.id if container else stack.service(name).container
                    ),
                )
        return early, facts

    def _require(self, output: Output, what: str) -> None:
        if not output.ok:
            raise Trouble(f"{self.host.name}: {what}", evidence=output.tail())
