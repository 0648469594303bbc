"""The plan: ordered steps from what is running to the wanted commit, each with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from itertools import groupby
from typing import Any

from ..commit import Commit
from ..facts import Container
from ..inventory import Server
from ..stack import Service, Stack
from .comparing import Canary
from .content import Tree, Wanted, beside, configuration, digest, wanted_images
from .replacing import Replacing


class Kind(StrEnum):
    """What a step does. The order is the order of a deploy."""

    BOOTSTRAP = "bootstrap"
    FETCH = "fetch"
    CERTIFICATE = "certificate"
    TRUST = "trust"
    HOLD = "hold"
    PULL = "pull"
    BUILD = "build"
    TEST_PROXY = "test-proxy"
    REVIEW = "review"
    SMOKE = "smoke"
    BACKUP = "backup"
    UP = "up"
    MIGRATE = "migrate"
    CHECKOUT = "checkout"
    RETAG = "retag"
    ROLL = "roll"
    START = "start"
    CANARY = "canary"
    SWITCH = "switch"
    RELOAD = "reload"
    RETIRE = "retire"
    REMOVE = "remove"
    GUARD = "guard"
    DOWNGRADE = "downgrade"


PREPARING = frozenset(list(Kind)[: list(Kind).index(Kind.BACKUP) + 1])
"""Kinds that do not touch the running system; where one fails, what a hold did is undone."""

MAKING = frozenset({Kind.HOLD, Kind.PULL, Kind.BUILD})
"""Kinds that need nothing of each other."""


@dataclass(frozen=True)
class Step:
    """One step and why it is in the plan. ``subject`` is a service, an image or a path."""

    kind: Kind
    subject: str
    reason: str
    force: bool = False
    """Replace the container although its definition and image are the same."""

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
    """Drift, orphans and what was left out: shown, not acted upon."""
    refusals: tuple[str, ...]
    """Why the plan as a whole must not be carried out."""
    replacing: tuple[Replacing, ...] = ()
    """What becomes of the containers of each service that is replaced beside."""
    canary: Canary | None = None
    """What the new replicas must show before they get all requests."""
    keep_old: int = 0
    """Seconds that the former replicas are kept after the proof."""

    @property
    def keeps(self) -> bool:
        """Whether the former replicas run on after it."""
        kinds = {step.kind for step in self.steps}
        return bool(self.keep_old) and Kind.SWITCH in kinds and Kind.RETIRE not in kinds

    @property
    def preparing(self) -> list[list[tuple[Step, ...]]]:
        """The steps that do not touch the running system, in groups: one group after the other.

        A group holds rows of steps, and the rows go on beside each other. The hold is made while
        images are: neither needs the other.
        """
        groups = []
        steps = [step for step in self.steps if step.kind in PREPARING]
        for making, found in groupby(steps, lambda step: step.kind in MAKING):
            group = tuple(found)
            held = tuple(step for step in group if step.kind is Kind.HOLD)
            rows = [held, tuple(step for step in group if step not in held)] if making else [group]
            groups.append([row for row in rows if row])
        return groups

    @property
    def tried(self) -> list[str]:
        """The services of which a canary gives new replicas a share of the clients."""
        found = [step.subject for step in self.steps if step.kind is Kind.CANARY]
        return [name for subject in found for name in subject.split(", ")]

    def to_json(self) -> dict[str, Any]:
        """The plan as ``plan --json`` prints it (docs/json.md)."""
        steps = [{**asdict(step), "kind": step.kind.value} for step in self.steps]
        plan = {**asdict(self), "steps": steps}
        for name in ("replacing", "canary", "keep_old"):  # the steps say what is anybody's business
            del plan[name]
        return plan


@dataclass(frozen=True)
class Target:
    """The wanted state as values: the stack with the images and configuration that it names."""

    stack: Stack
    images: Mapping[str, Wanted]
    configuration: Mapping[str, str]
    callers: tuple[str, ...]
    """Addresses of the servers that call this one; the only ones that its proxy lets in."""
    cdn: tuple[str, ...] = ()
    """The header in which a CDN says who a client is, then its ranges; empty without one."""
    resolved: str = field(default="", repr=False)
    """The stack's text, as compose resolved it; holds secrets."""
    tree: Tree = field(default_factory=dict, repr=False)
    """The files of the commit."""
    beside: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Service → what its configs and secrets say; holds secrets."""

    @property
    def generation(self) -> str:
        """Digest of the proxy's configuration, served by the proxy to prove what it has loaded."""
        proxy = self.stack.proxy
        if proxy is None:
            return ""
        more = [one for one in (self.cdn, {**proxy.hints.names}) if one]
        return digest([self.configuration.get(proxy.name), self.callers, *more])[:16]


EVERY = ("*",)
"""Every service but those that cannot be replaced without a gap: data, the proxy, one-shots."""


@dataclass(frozen=True)
class Wish:
    """What the operator allows and asks for besides the commit."""

    restart_data: bool = False
    """Allow what would recreate a data service; without it that refuses the plan as a whole."""
    remove_orphans: bool = False
    spare: frozenset[str] = frozenset()
    """Ids of containers that stay, orphans or not."""
    only: tuple[str, ...] = ()
    """Services to deploy; empty: all."""
    keep_schema: bool = False
    """Never migrate: a rollback leaves the database at its revision."""
    lowered: bool = False
    """The schema was taken down by this very command: move it up again, with the same images."""
    allow_destructive: bool = False
    """Allow a migration that loses data or breaks code which still runs."""
    restart: tuple[str, ...] = ()
    """Services to replace though nothing of them changed; :data:`EVERY`: see there."""
    needed: bool = False
    """The way back from a failure: tried also where memory seems too little for it."""
    rebuild: bool = False
    """Build again what is there already, on fresh bases."""
    canary: Canary | None = None
    """Give the new replicas a share of the clients first."""
    keep_old: int = 0
    """Seconds that the former replicas are to run on after the proof."""
    end_keeping: bool = False
    """Retire former replicas also while they are to be kept."""

    def restarts(self, service: Service) -> bool:
        """Whether this service is to be replaced though nothing of it changed."""
        if self.restart == EVERY:
            return not (service.hints.keep or service.hints.proxy or service.completes)
        return service.name in self.restart

    def removes(self, orphan: Container) -> bool:
        """Whether this orphan is to go."""
        return self.remove_orphans and orphan.id not in self.spare


def target_of(
    server: Server, stack: Stack, commit: Commit, callers: Iterable[Server] = ()
) -> Target:
    """What the wanted commit means on this server, which ``callers`` call."""
    allowed = sorted(caller.address for caller in callers)
    return Target(
        stack,
        wanted_images(stack, commit.tree, server.path),
        configuration(stack, commit.tree, server.path),
        (*allowed, *server.allow) if allowed else (),
        (server.cdn_header, *server.cdn_ranges) if server.cdn_ranges else (),
        commit.resolved,
        commit.tree,
        beside(stack, commit.tree, server.path, commit.effective),
    )
