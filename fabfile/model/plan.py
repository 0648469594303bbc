"""The plan: ordered steps from what is running to the wanted commit, each with its reason.

A pure function of the wanted commit, its compose model, the live containers and the last verified
release. ``plan``, ``status`` and ``deploy`` share it, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from .content import Wanted, configuration, digest, files_below, wanted_images
from .facts import Commit, Container, Facts
from .inventory import Server
from .stack import Service, Stack


class Kind(StrEnum):
    """What a step does. The order is the order of a deploy."""

    BOOTSTRAP = "bootstrap"
    FETCH = "fetch"
    CERTIFICATE = "certificate"
    TRUST = "trust"
    PULL = "pull"
    BUILD = "build"
    SMOKE = "smoke"
    TEST_PROXY = "test-proxy"
    START = "start"
    MIGRATE = "migrate"
    CHECKOUT = "checkout"
    ROLL = "roll"
    RELOAD = "reload"


PREPARING = frozenset(list(Kind)[: list(Kind).index(Kind.START)])
"""Kinds that do not touch the running system."""

FOLDERS = ("data", "backups", "releases", "locks", "proxy", "certs", "certs/trust", "build")
"""Folders below the root of the server's state."""


@dataclass(frozen=True)
class Step:
    """One step and why it is in the plan. ``subject`` is a service, an image or a path."""

    kind: Kind
    subject: str
    reason: str

    @property
    def title(self) -> str:
        """What a person reads."""
        return f"{self.kind.value} {self.subject}".rstrip()


@dataclass(frozen=True)
class Plan:
    """The decision for one server."""

    server: str
    commit: str
    subject: str
    since: str
    """Commit of the last verified release; empty on a first deploy."""
    steps: tuple[Step, ...]
    untouched: tuple[str, ...]
    """Services that stay as they are."""
    notes: tuple[str, ...]
    """Drift and orphans: shown, not acted upon."""
    refusals: tuple[str, ...]
    """Why the plan as a whole must not be carried out."""

    @property
    def changes_running(self) -> bool:
        """Whether a step touches a running container, the schema or the configuration."""
        return any(step.kind not in PREPARING | {Kind.CHECKOUT} for step in self.steps)


@dataclass(frozen=True)
class Target:
    """The wanted commit as values: the stack with the images and configuration that it names."""

    stack: Stack
    images: dict[str, Wanted]
    configuration: dict[str, str]
    callers: tuple[str, ...]
    """Addresses of the servers that call this one; the only ones that its proxy lets in."""

    @property
    def generation(self) -> str:
        """Digest of the proxy's configuration, served by the proxy to prove what it has loaded."""
        proxy = self.stack.proxy
        return digest([self.configuration.get(proxy.name), self.callers])[:16] if proxy else ""


def target_of(
    server: Server, stack: Stack, commit: Commit, callers: Iterable[Server] = ()
) -> Target:
    """What the wanted commit means on this server, which ``callers`` call."""
    return Target(
        stack,
        wanted_images(stack, commit.tree, server.path),
        configuration(stack, commit.tree, server.path),
        tuple(sorted(caller.address for caller in callers)),
    )


def decide(
    server: Server,
    target: Target,
    facts: Facts,
    commit: Commit,
    *,
    called_certificate: str = "",
    restart_data: bool = False,
) -> Plan:
    """Compare the wanted commit with what runs.

    ``called_certificate`` is the certificate of the server that this one calls, when it has one.
    ``restart_data`` allows what would recreate a data service; without it that is a refusal.
    """
    return _Decision(server, target, facts, commit, called_certificate, restart_data).plan()


@dataclass(frozen=True)
class _Decision:
    server: Server
    target: Target
    facts: Facts
    commit: Commit
    called_certificate: str
    restart_data: bool

    def plan(self) -> Plan:
        reasons = {service.name: self.reason(service) for service in self.target.stack.services}
        steps = [*self.prepare(reasons), *self.cut_over(reasons)]
        if steps or not self.recorded():
            steps.insert(self.after_bootstrap(steps), self.fetch())
        refusals = [
            f"{service.name} is a data service and would be recreated ({reasons[service.name]});"
            " say so with --restart-data"
            for service in self.target.stack.services
            if service.hints.keep and reasons[service.name]
            if self.live(service) and not self.restart_data
        ]
        verified = self.facts.verified
        return Plan(
            server=self.server.name,
            commit=self.commit.id,
            subject=self.commit.subject,
            since=verified.commit if verified else "",
            steps=tuple(steps),
            untouched=tuple(name for name, reason in reasons.items() if not reason),
            notes=tuple(self.notes()),
            refusals=tuple(refusals),
        )

    def recorded(self) -> bool:
        """Whether the last release that passed is of this very commit."""
        last = self.facts.verified
        return last is not None and last.commit == self.commit.id

    def fetch(self) -> Step:
        return Step(Kind.FETCH, self.commit.id[:8], self.commit.subject)

    def after_bootstrap(self, steps: list[Step]) -> int:
        return 1 if steps and steps[0].kind is Kind.BOOTSTRAP else 0

    def live(self, service: Service) -> Container | None:
        return self.facts.container(self.target.stack.project, service.name)

    def reason(self, service: Service) -> str:
        """Why a service must be replaced or started; empty when it stays."""
        container = self.live(service)
        if container is None:
            return "not there yet"
        if container.state != "running":
            return f"container is {container.state}"
        if self.new_image(service):
            return self.image_reason(service)
        if container.config_hash != service.config_hash:
            return "definition or environment changed"
        if container.health == "unhealthy":
            return "container is unhealthy"
        last = self.facts.verified
        mounted = self.target.configuration.get(service.name)
        if mounted and last and not service.hints.proxy:
            if last.configuration.get(service.name) != mounted:
                return "mounted configuration changed"
        return ""

    def new_image(self, service: Service) -> bool:
        """Whether the wanted image is another one than the container's."""
        container = self.live(service)
        image = self.facts.images.get(self.target.images[service.name].reference)
        return container is None or image is None or image != container.image

    def image_reason(self, service: Service) -> str:
        wanted = self.target.images[service.name]
        if wanted.build is None:
            return f"image {wanted.reference}"
        files = len(files_below(self.commit.tree, wanted.context))
        return f"{wanted.context}: {files} files, by content tag"

    def prepare(self, reasons: dict[str, str]) -> list[Step]:
        facts, steps = self.facts, []
        missing = self.missing_folders()
        if missing:
            steps.append(
                Step(Kind.BOOTSTRAP, str(self.server.root), f"{len(missing)} folders are missing")
            )
        if self.target.stack.proxy and not self.has_certificate():
            steps.append(
                Step(Kind.CERTIFICATE, "self-made", "none yet; ssl.issue replaces it by a real one")
            )
        if self.needs_trust():
            steps.append(Step(Kind.TRUST, "trust", self.trust_reason()))
        steps += self.images()
        proxy = self.target.stack.proxy
        if proxy and (reasons[proxy.name] or self.proxy_changed()):
            steps.append(Step(Kind.TEST_PROXY, proxy.name, "nginx -t in the target image"))
        return steps

    def missing_folders(self) -> list[str]:
        wanted = [str(self.server.root / name) for name in FOLDERS]
        wanted += self.target.stack.volume_folders
        return [path for path in wanted if path not in self.facts.folders]

    def has_certificate(self) -> bool:
        certs = self.server.root / "certs"
        return all(self.facts.has_folder(certs / f) for f in ("fullchain.pem", "privkey.pem"))

    def needs_trust(self) -> bool:
        bundle = self.server.root / "certs/trust/ca-bundle.pem"
        return bool(self.server.calls) and (
            not self.facts.has_folder(bundle)
            or self.facts.trust.strip() != self.called_certificate.strip()
        )

    def trust_reason(self) -> str:
        if self.called_certificate:
            return f"certificate of {self.server.calls} is new here"
        return f"system authorities only; {self.server.calls} has no certificate yet"

    def images(self) -> list[Step]:
        """Pull and build what is missing, once per image; try every newly built image apart."""
        pulls, builds, smokes = [], [], []
        seen: set[str] = set()
        for service in self.target.stack.services:
            wanted = self.target.images[service.name]
            if wanted.reference in seen or wanted.reference in self.facts.images:
                continue
            seen.add(wanted.reference)
            if wanted.build is None:
                pulls.append(Step(Kind.PULL, wanted.reference, "not on the server"))
                continue
            builds.append(Step(Kind.BUILD, service.name, f"{wanted.reference} is not there yet"))
            if service.hints.smoke:
                smokes.append(Step(Kind.SMOKE, service.name, "new image, started once apart"))
        return pulls + builds + smokes

    def cut_over(self, reasons: dict[str, str]) -> list[Step]:
        stack, facts, steps = self.target.stack, self.facts, []
        steps += [
            Step(Kind.START, service.name, reasons[service.name])
            for service in stack.services
            if service.hints.keep and reasons[service.name]
        ]
        migrated: set[str] = set()
        for service in stack.services:
            reference = self.target.images[service.name].reference
            if service.hints.migrate and self.new_image(service) and reference not in migrated:
                migrated.add(reference)
                steps.append(Step(Kind.MIGRATE, service.name, " ".join(service.hints.migrate)))
        if facts.head != self.commit.id:
            was = facts.head[:8] or "empty"
            steps.append(Step(Kind.CHECKOUT, self.commit.id[:8], f"was {was}"))
        steps += [
            Step(Kind.ROLL, service.name, reasons[service.name])
            for service in stack.services
            if not service.hints.keep and reasons[service.name]
        ]
        proxy = stack.proxy
        if proxy and not reasons[proxy.name] and self.proxy_changed():
            steps.append(Step(Kind.RELOAD, proxy.name, "its configuration changed"))
        return steps

    def proxy_changed(self) -> bool:
        return self.target.generation not in self.facts.generation

    def notes(self) -> list[str]:
        names = {service.name for service in self.target.stack.services}
        notes = [
            f"orphan: container {container.name} is of this project, but not in its stack"
            for container in self.facts.containers
            if container.project == self.target.stack.project
            and container.service
            and container.service not in names
        ]
        notes += [f"edited on the server: {line.strip()}" for line in self.facts.edited]
        return notes
