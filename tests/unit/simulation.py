"""A server as pure values: what each step of a plan makes of it, to play histories on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from fabfile.model.access.folders import FOLDERS
from fabfile.model.commit import Change, Commit
from fabfile.model.deploy.comparing import Canary
from fabfile.model.deploy.decide import decide
from fabfile.model.deploy.plan import Kind, Plan, Step, Target, Wish, target_of
from fabfile.model.deploy.reasons import image_id
from fabfile.model.deploy.replacing import Replacing
from fabfile.model.deploy.way_back import as_released, missing_images
from fabfile.model.facts import SHORT, Container, Facts, Split
from fabfile.model.release import FAILED, RUNNING, VERIFIED, Image, Release
from fabfile.model.stack import Service, Stack

from .builders import CHECKOUT, PROJECT, ROOT, SERVER, STACK, TREE, container, facts, folders

BESIDE = "web"
"""The service that is replaced beside; the others are replaced in place."""


KEPT = 1800
"""Seconds that former replicas are kept, and that pass before the next deploy."""


@dataclass(frozen=True)
class Version:
    """What a commit may change: the content of a folder, and the definition of a service."""

    contents: tuple[tuple[str, int], ...]
    """File → number of its content."""
    definitions: tuple[tuple[str, int], ...]
    """Service → number of its definition."""
    replicas: int = 2
    """How many containers of the page are wanted."""

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
                replace(
                    one,
                    config_hash=f"{one.name}@{numbers.get(one.name, 0)}",
                    **(self.many if one.name == BESIDE else {}),
                )
                for one in STACK.services
            ),
        )

    @property
    def many(self) -> dict[str, Any]:
        """What makes of a service one that is replaced beside."""
        return {"replicas": self.replicas, "beside": True, "container": f"{PROJECT}-{BESIDE}-1"}

    def target(self) -> Target:
        """What the commit means on the server."""
        return target_of(SERVER, self.stack(), self.commit())


class Playable(Protocol):
    """A commit as a look finds it, and what it means on the server."""

    @property
    def identity(self) -> str:
        """The commit's id."""
        ...

    def commit(self) -> Commit:
        """The commit."""
        ...

    def target(self) -> Target:
        """What it means."""
        ...


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
    versions: dict[str, Playable] = field(default_factory=dict)
    ticks: int = 0
    told: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Service → the containers that the proxy is told to ask alone, in the run under way."""

    def plan(self, target: Target, commit: Commit, how: str = "") -> Plan:
        """The decision, with everything allowed that a flag allows.

        ``how``: ``canary`` or ``kept``, where the plan can be carried out so.
        """
        plain = Wish(restart_data=True, remove_orphans=True)
        ways = {
            "canary": replace(plain, canary=Canary(10, 60)),
            "kept": replace(plain, keep_old=KEPT),
        }
        plan = decide(SERVER, target, self.facts, commit, ways.get(how, plain))
        return decide(SERVER, target, self.facts, commit, plain) if plan.refusals else plan

    def plan_steps(self, version: Playable) -> tuple[Step, ...]:
        """What a deploy of the version would do now."""
        return self.plan(version.target(), version.commit()).steps

    def deploy(
        self,
        version: Playable,
        fails_at: int | None = None,
        *,
        dies: bool = False,
        how: str = "",
    ) -> Plan:
        """Deploy a version; a failure at step number ``fails_at`` goes back by itself.

        ``dies``: the operator's machine dies there instead; ``how``: as in :meth:`plan`. Whatever
        was kept has had its time.
        """
        self.facts = replace(self.facts, now=self.facts.now + KEPT)
        self.versions[version.identity] = version
        target, commit = version.target(), version.commit()
        plan = self.plan(target, commit, how)
        before = self.facts.verified
        gone = bool(before and missing_images(before, self.facts))
        self.begin()
        for number, step in enumerate(plan.steps):
            if number == fails_at:
                if dies:
                    self.record(plan, target, RUNNING)
                    return plan
                rest = {later.kind for later in plan.steps[number + 1 :]}
                if step.kind is Kind.RETIRE and rest <= {Kind.REMOVE, Kind.GUARD}:
                    continue  # those that were proved serve
                done = {former.kind for former in plan.steps[:number]}
                if before and done & {Kind.CANARY, Kind.SWITCH} and Kind.RETIRE not in done:
                    self.take_back(plan, target)
                self.record(plan, target, FAILED)
                if before and not gone:
                    self.go_back(before)
                return plan
            self.perform(step, plan, target, commit)
        if plan.steps:
            self.record(plan, target, VERIFIED)
        return plan

    def begin(self) -> None:
        """What a run believes of the proxy when it begins: who has gone since is not asked."""
        running = {one.id[:SHORT] for one in self.facts.containers if one.state == "running"}
        named = {
            service: tuple(one for one in ids if one in running)
            for service, ids in self.facts.pinned.items()
        }
        self.told = {service: ids for service, ids in named.items() if ids}

    def go_back(self, release: Release) -> Plan:
        """Bring the server to what it was when ``release`` was verified."""
        version = self.versions[release.commit]
        target = as_released(version.target(), release, self.facts)
        plan = self.plan(target, version.commit())
        assert not [step for step in plan.steps if step.kind in (Kind.BUILD, Kind.PULL)]
        self.begin()
        for step in plan.steps:
            self.perform(step, plan, target, version.commit())
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
            kept=self.facts.now + KEPT if plan.keeps else 0,
        )
        self.facts = replace(self.facts, releases=(*self.facts.releases, release))

    def perform(self, step: Step, plan: Plan, target: Target, commit: Commit) -> None:
        """What the real step makes of a real server."""
        effects: Mapping[Kind, Callable[[], Facts]] = {
            Kind.BOOTSTRAP: lambda: self.with_folders(*FOLDERS, "data/db"),
            Kind.CERTIFICATE: lambda: self.with_folders("certs/fullchain.pem", "certs/privkey.pem"),
            Kind.PULL: lambda: self.with_image(step.subject, f"sha256:{step.subject}"),
            Kind.BUILD: lambda: self.built(target.images[step.subject].reference),
            Kind.CHECKOUT: lambda: replace(self.facts, head=commit.id, edited=(), meanwhile=False),
            Kind.UP: lambda: self.up(step.subject, target),
            Kind.RETAG: lambda: self.tagged(step.subject, target),
            Kind.ROLL: lambda: self.rolled(step.subject, target),
            Kind.RELOAD: lambda: self.reloaded(target.generation, plan),
            Kind.HOLD: lambda: self.held(step.subject, plan),
            Kind.START: lambda: self.started(step.subject, plan, target),
            Kind.CANARY: lambda: self.shared(step.subject, plan, target),
            Kind.SWITCH: lambda: self.switched(step.subject, plan, target),
            Kind.RETIRE: lambda: self.retired(plan, target),
            Kind.REMOVE: lambda: self.without(step.subject),
        }
        if step.kind in effects:
            self.facts = effects[step.kind]()

    def with_folders(self, *names: str) -> Facts:
        made = folders(*(f"{ROOT}/{name}" for name in names))
        there = self.facts.env_stat or ("ubuntu", "600")
        return replace(self.facts, folders={**self.facts.folders, **made}, env_stat=there)

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
        first = container(one, self.facts.images[one.image])
        made = [
            replace(
                first,
                id=f"{first.id}-{number}",
                name=name,
                labels={**first.labels, "com.docker.compose.container-number": str(number)},
            )
            for number, name in enumerate(one.containers, start=1)
        ]
        others = [c for c in self.facts.containers if c.service != service]
        generation = target.generation if one.hints.proxy else self.facts.generation
        return replace(self.facts, containers=(*others, *made), generation=generation)

    def rolled(self, service: str, target: Target) -> Facts:
        """In place: compose would converge what it depends on, which must be so already."""
        if BESIDE in target.stack.service(service).depends_on:
            assert not self.changes_of(target.stack.service(BESIDE)), "compose would replace them"
        self.facts = self.up(service, target)
        return self.loaded(self.facts.generation)

    def loaded(self, generation: str) -> Facts:
        """The proxy, where it runs, loads what it was told."""
        if not self.facts.runs(PROJECT, "proxy"):
            return self.facts
        running = {one.id[:SHORT] for one in self.facts.containers if one.state == "running"}
        assert {one for ids in self.told.values() for one in ids} <= running, "a name of nobody"
        return replace(self.facts, pinned=dict(self.told), split=None, generation=generation)

    def reloaded(self, generation: str, plan: Plan) -> Facts:
        """One that does not run is started, and names those that run."""
        if self.facts.runs(PROJECT, "proxy"):
            return self.loaded(generation)
        found = tuple(
            replace(one, state="running") if one.service == "proxy" else one
            for one in self.facts.containers
        )
        self.facts = replace(self.facts, containers=found)
        serving = [one.service for one in plan.replacing if one.serving]
        self.held(", ".join(serving), plan)
        return self.loaded("")

    def held(self, subject: str, plan: Plan) -> Facts:
        for one in plan.replacing:
            if one.service in subject.split(", "):
                self.told[one.service] = tuple(identity[:SHORT] for identity in one.serving)
        return self.loaded(self.facts.generation)

    def started(self, subject: str, plan: Plan, target: Target) -> Facts:
        """New containers of the wanted image; its name in the stack is still the former's."""
        for one in plan.replacing:
            if one.service not in subject.split(", "):
                continue
            if one.serving and self.facts.runs(PROJECT, "proxy"):
                assert one.service in self.facts.pinned, "a new one would be asked at once"
            service = target.stack.service(one.service)
            image = image_id(target.images[one.service].reference, self.facts)
            if not one.serving:
                self.facts = self.tagged(one.service, target)
            for _ in range(one.starting):
                self.facts = self.with_replica(service, image)
            more = len(self.facts.containers_of(PROJECT, service.name)) != service.replicas
            self.facts = replace(self.facts, meanwhile=self.facts.meanwhile or more)
        return self.facts

    def with_replica(self, service: Service, image: str) -> Facts:
        """One more container of a service, as compose counts them."""
        self.ticks += 1
        others = self.facts.containers_of(PROJECT, service.name)
        number = max((one.number for one in others), default=0) + 1
        made = container(service, image)
        made = replace(
            made,
            id=f"{self.ticks:012x}".ljust(64, "0"),
            name=f"{PROJECT}-{service.name}-{number}",
            labels={**made.labels, "com.docker.compose.container-number": str(number)},
        )
        assert made.name not in {one.name for one in self.facts.containers}
        return replace(self.facts, containers=(*self.facts.containers, made))

    def staying(self, one: Replacing) -> list[Container]:
        """Those of a service that stay, or came in this run."""
        there = self.facts.containers_of(PROJECT, one.service)
        return [found for found in there if found.id not in one.leaving]

    def shared(self, subject: str, plan: Plan, target: Target) -> Facts:
        """The new ones have a share; whoever else is replicated is named for both sides."""
        assert self.facts.runs(PROJECT, "proxy"), "nobody gives anybody a share"
        new = {}
        for one in plan.replacing:
            if one.service in subject.split(", "):
                fresh = [c.id for c in self.staying(one) if c.id not in one.serving]
                assert fresh, "nobody is tried"
                assert self.told[one.service], "nobody is compared with"
                new[one.service] = tuple(identity[:SHORT] for identity in fresh)
        for service in target.stack.services:
            if service.beside and (asked := self.facts.serving(PROJECT, service.name)):
                self.told.setdefault(service.name, tuple(one.id[:SHORT] for one in asked))
        return replace(self.loaded(target.generation), split=Split(10, self.facts.now, new))

    def switched(self, subject: str, plan: Plan, target: Target) -> Facts:
        for one in plan.replacing:
            if one.service in subject.split(", "):
                stay = self.staying(one)
                assert len(stay) == target.stack.service(one.service).replicas
                self.told[one.service] = tuple(found.id[:SHORT] for found in stay)
                self.facts = self.tagged(one.service, target)
        return self.loaded(target.generation)

    def take_back(self, plan: Plan, target: Target) -> None:
        """The former replicas are asked again."""
        images = {one.id: one.image for one in self.facts.containers}
        for one in plan.replacing:
            if one.serving:
                self.told[one.service] = tuple(identity[:SHORT] for identity in one.serving)
                stable = target.images[one.service].stable
                self.facts = self.with_image(stable, images[one.serving[0]])
        self.facts = self.loaded(target.generation)

    def retired(self, plan: Plan, target: Target) -> Facts:
        tried = self.facts.split.new if self.facts.split else {}
        asked = {one for ids in (*self.facts.pinned.values(), *tried.values()) for one in ids}
        leaving = {identity for one in plan.replacing for identity in one.leaving}
        for one in self.facts.containers:
            if one.id in leaving and one.state == "running" and self.facts.runs(PROJECT, "proxy"):
                assert one.service in self.facts.pinned, "whoever has the name is asked"
                assert one.id[:SHORT] not in asked, "it is asked"
        rest = tuple(one for one in self.facts.containers if one.id not in leaving)
        self.facts = replace(self.facts, containers=rest, meanwhile=False)
        self.told = {}
        for plan_of in plan.replacing:
            self.facts = self.renamed(plan_of)
        return self.loaded(target.generation)

    def renamed(self, one: Replacing) -> Facts:
        """Those that stay are called from 1 on."""
        stay = self.staying(one)
        wanted = [f"{PROJECT}-{one.service}-{number + 1}" for number in range(len(stay))]
        free = [name for name in wanted if name not in {found.name for found in stay}]
        names = {found.id: found.name if found.name in wanted else free.pop(0) for found in stay}
        return replace(
            self.facts,
            containers=tuple(
                replace(found, name=names.get(found.id, found.name))
                for found in self.facts.containers
            ),
        )

    def without(self, name: str) -> Facts:
        rest = tuple(c for c in self.facts.containers if c.name != name)
        return replace(self.facts, containers=rest)

    def plain_up_changes(self, target: Target) -> list[str]:
        """Services that ``docker compose up -d`` by hand would touch now."""
        return [one.name for one in target.stack.services if self.changes_of(one)]

    def changes_of(self, one: Service) -> bool:
        """Whether it would touch a service's containers, or make more or fewer of them."""
        found = self.facts.containers_of(PROJECT, one.name)
        stable = self.facts.images.get(one.image)
        return len(found) != one.replicas or any(
            (each.state, each.image, each.config_hash) != ("running", stable, one.config_hash)
            for each in found
        )
