"""A server as pure values: what each step of a plan makes of it, to play histories on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from fabfile.model.access.folders import FOLDERS
from fabfile.model.commit import Change, Commit
from fabfile.model.deploy.decide import decide
from fabfile.model.deploy.plan import Kind, Plan, Step, Target, Wish, target_of
from fabfile.model.deploy.reasons import image_id
from fabfile.model.deploy.way_back import as_released, missing_images
from fabfile.model.facts import Facts
from fabfile.model.release import FAILED, VERIFIED, Image, Release
from fabfile.model.stack import Stack

from .builders import CHECKOUT, PROJECT, ROOT, SERVER, STACK, TREE, container, facts, folders


@dataclass(frozen=True)
class Version:
    """What a commit may change: the content of a folder, and the definition of a service."""

    contents: tuple[tuple[str, int], ...]
    """File → number of its content."""
    definitions: tuple[tuple[str, int], ...]
    """Service → number of its definition."""

    @property
    def identity(self) -> str:
        """The commit's id."""
        return f"{abs(hash(self)):040x}"[:40]

    def commit(self) -> Commit:
        """The commit as a look finds it."""
        changed = {path: ("100644", f"{path}@{number}") for path, number in self.contents}
        tree = {**TREE, **changed}
        log = (Change(self.identity, "A change", tuple(changed)),)
        return Commit(self.identity, "A change", "", "", tree, "", log, "", "", {})

    def stack(self) -> Stack:
        """The stack of the commit."""
        numbers = dict(self.definitions)
        return replace(
            STACK,
            services=tuple(
                replace(one, config_hash=f"{one.name}@{numbers.get(one.name, 0)}")
                for one in STACK.services
            ),
        )

    def target(self) -> Target:
        """What the commit means on the server."""
        return target_of(SERVER, self.stack(), self.commit())


def empty_server() -> Facts:
    """A server on which nothing was ever deployed."""
    return facts(
        folders=folders(str(CHECKOUT)),
        containers=(),
        images={},
        releases=(),
        generation="",
        head="",
    )


@dataclass
class World:
    """A server and its clock."""

    facts: Facts = field(default_factory=empty_server)
    versions: dict[str, Version] = field(default_factory=dict)
    ticks: int = 0

    def plan(self, target: Target, commit: Commit) -> Plan:
        """The decision, with everything allowed that a flag allows."""
        wish = Wish(restart_data=True, remove_orphans=True)
        return decide(SERVER, target, self.facts, commit, wish)

    def plan_steps(self, version: Version) -> tuple[Step, ...]:
        """What a deploy of the version would do now."""
        return self.plan(version.target(), version.commit()).steps

    def deploy(self, version: Version, fails_at: int | None = None) -> Plan:
        """Deploy a version; a failure at step number ``fails_at`` goes back by itself."""
        self.versions[version.identity] = version
        target, commit = version.target(), version.commit()
        plan = self.plan(target, commit)
        before = self.facts.verified
        gone = bool(before and missing_images(before, self.facts))
        for number, step in enumerate(plan.steps):
            if number == fails_at:
                self.record(plan, target, FAILED)
                if before and not gone:
                    self.go_back(before)
                return plan
            self.perform(step, target, commit)
        if plan.steps:
            self.record(plan, target, VERIFIED)
        return plan

    def go_back(self, release: Release) -> Plan:
        """Bring the server to what it was when ``release`` was verified."""
        version = self.versions[release.commit]
        target = as_released(version.target(), release, self.facts)
        plan = self.plan(target, version.commit())
        assert not [step for step in plan.steps if step.kind in (Kind.BUILD, Kind.PULL)]
        for step in plan.steps:
            self.perform(step, target, version.commit())
        self.record(plan, target, VERIFIED, back_to=release.back_to or release.id)
        return plan

    def record(self, plan: Plan, target: Target, outcome: str, back_to: str = "") -> None:
        self.ticks += 1
        images = {
            name: Image(wanted.reference, image_id(wanted.reference, self.facts))
            for name, wanted in target.images.items()
        }
        release = Release(
            id=f"{self.ticks:08d}",
            server="ubuntu",
            commit=plan.commit,
            subject="",
            ref="",
            who="",
            started=self.ticks,
            finished=self.ticks,
            outcome=outcome,
            back_to=back_to,
            images=images,
            commits=dict.fromkeys(images, plan.commit),
            definitions={one.name: one.config_hash for one in target.stack.services},
            configuration=target.configuration,
        )
        self.facts = replace(self.facts, releases=(*self.facts.releases, release))

    def perform(self, step: Step, target: Target, commit: Commit) -> None:
        """What the real step makes of a real server."""
        effects: Mapping[Kind, Callable[[], Facts]] = {
            Kind.BOOTSTRAP: lambda: self.with_folders(*FOLDERS, "data/db"),
            Kind.CERTIFICATE: lambda: self.with_folders("certs/fullchain.pem", "certs/privkey.pem"),
            Kind.PULL: lambda: self.with_image(step.subject, f"sha256:{step.subject}"),
            Kind.BUILD: lambda: self.built(target.images[step.subject].reference),
            Kind.CHECKOUT: lambda: replace(self.facts, head=commit.id, edited=()),
            Kind.START: lambda: self.up(step.subject, target),
            Kind.RETAG: lambda: self.tagged(step.subject, target),
            Kind.ROLL: lambda: self.up(step.subject, target),
            Kind.RELOAD: lambda: replace(self.facts, generation=target.generation),
            Kind.REMOVE: lambda: self.without(step.subject),
        }
        if step.kind in effects:
            self.facts = effects[step.kind]()

    def with_folders(self, *names: str) -> Facts:
        made = folders(*(f"{ROOT}/{name}" for name in names))
        return replace(self.facts, folders={**self.facts.folders, **made})

    def with_image(self, name: str, identity: str) -> Facts:
        return replace(self.facts, images={**self.facts.images, name: identity})

    def built(self, reference: str) -> Facts:
        self.ticks += 1
        return self.with_image(reference, f"sha256:{reference}#{self.ticks}")

    def tagged(self, service: str, target: Target) -> Facts:
        wanted = target.images[service]
        return self.with_image(wanted.stable, image_id(wanted.reference, self.facts))

    def up(self, service: str, target: Target) -> Facts:
        """The stable name moves, then compose makes the container from it."""
        self.facts = self.tagged(service, target)
        one = target.stack.service(service)
        made = container(one, self.facts.images[one.image])
        others = [c for c in self.facts.containers if c.service != service]
        generation = target.generation if one.hints.proxy else self.facts.generation
        return replace(self.facts, containers=(*others, made), generation=generation)

    def without(self, name: str) -> Facts:
        rest = tuple(c for c in self.facts.containers if c.name != name)
        return replace(self.facts, containers=rest)

    def plain_up_changes(self, target: Target) -> list[str]:
        """Services that ``docker compose up -d`` by hand would touch now."""
        changed = []
        for one in target.stack.services:
            found = self.facts.container(PROJECT, one.name)
            stable = self.facts.images.get(one.image)
            if (
                found is None
                or found.state != "running"
                or found.image != stable
                or found.config_hash != one.config_hash
            ):
                changed.append(one.name)
        return changed
