"""The rows of the fault matrix: the steps of deploys, as the collection's own decision makes them.

Read from this checkout's compose files; no server is asked.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from fabfile.model.access.folders import FOLDERS
from fabfile.model.deploy.content import Tree
from fabfile.model.deploy.decide import decide
from fabfile.model.deploy.plan import Kind, Plan, Target, Wish, target_of
from fabfile.model.deploy.resolved import parse as parse_stack
from fabfile.model.facts import Container, Facts
from fabfile.model.hosts.hosts_ini import parse
from fabfile.model.inventory import Server
from fabfile.model.release import Image
from fabfile.model.stack import Service, Stack
from tests.lab.matrix import Cell, Row, chosen, matrix
from tests.suite.judged_files import compose_settings
from tests.unit import builders

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = Path(sys.executable).with_name("docker-compose")
NAMED_BY_COMMIT = (Kind.FETCH, Kind.CHECKOUT)
LEFT_OUT = {
    Kind.CANARY: "a step of --canary alone (tests/lab/test_canary.py)",
    Kind.DOWNGRADE: "a step of rollback --migrations down alone",
    Kind.REMOVE: "a step of --remove-orphans, or of a service that somebody scaled",
    Kind.GUARD: "changes nothing that runs, and fails no deploy (tests/lab/test_mallory.py)",
}
"""Kinds of steps that are not played, and why."""
CALLED = "a certificate"


@dataclass(frozen=True)
class Drift:
    """What happened to a server behind our back, as a look finds it."""

    of: str
    seen: Callable[[Stack, Facts], Facts]


def _without(stack: Stack, facts: Facts, *names: str) -> Facts:
    del stack
    gone = tuple(f"/{name}" for name in names)
    return replace(
        facts, folders={p: f for p, f in facts.folders.items() if not str(p).endswith(gone)}
    )


def _stopped(stack: Stack, facts: Facts) -> Facts:
    data = next(one.container for one in reversed(stack.services) if one.hints.keep)
    return replace(
        facts,
        containers=tuple(
            replace(one, state="exited", health="") if one.name == data else one
            for one in facts.containers
        ),
    )


def _moved(stack: Stack, facts: Facts) -> Facts:
    stable = next(one.image for one in reversed(stack.services) if one.build)
    return replace(facts, images={**facts.images, stable: "sha256:of somebody"})


DRIFTS = (
    Drift("ubuntu", lambda stack, facts: _without(stack, facts, "build")),
    Drift("ubuntu", lambda stack, facts: _without(stack, facts, "fullchain.pem", "privkey.pem")),
    Drift("ubuntu", lambda _, facts: replace(facts, trust="")),
    Drift("ubuntu", _stopped),
    Drift("ubuntu", _moved),
)


@cache
def plans() -> tuple[Plan, ...]:
    """The plans whose steps are the rows: the called server's, then its caller's."""
    inventory = parse((ROOT / "hosts.ini").read_text(), ROOT / "hosts.ini")
    return tuple(
        plan
        for name in inventory.called_first()
        for plan in _Here(inventory.server(name), inventory.callers_of(name)).plans()
    )


@cache
def rows() -> tuple[Row, ...]:
    """Every step of these plans once: server by server, in the order of a deploy."""
    found: dict[Row, None] = {}
    for server in dict.fromkeys(plan.server for plan in plans()):
        of_server = (plan for plan in plans() if plan.server == server)
        steps = [step for plan in of_server for step in plan.steps]
        for step in sorted(steps, key=lambda step: list(Kind).index(step.kind)):
            subject = "" if step.kind in NAMED_BY_COMMIT else step.subject
            found[Row(server, step.kind, subject)] = None
    return tuple(found)


def cells(half: int) -> list[Cell]:
    """What this run plays in one of two files, so that two labs play it side by side."""
    full, shard = "TEST_FULL" in os.environ, os.environ.get("TEST_SHARD", "")
    return chosen(matrix(rows()), full=full, shard=shard)[half::2]


@dataclass
class _Here:
    server: Server
    callers: Iterable[Server]

    def __post_init__(self) -> None:
        resolved, hashes = _resolved(self.server)
        self.stack = parse_stack(resolved, hashes)
        self.tree = _tree()
        self.target = self._target(self.stack, self.tree)

    def plans(self) -> Iterator[Plan]:
        """The plans of a commit that changes everything; of another proxy; after each drift.

        And of one that changes the proxy's configuration alone, for else the switch loads it.
        """
        yield self._plan(self._running(), self.stack, self._changed(""))
        yield self._plan(self._running(), self.stack, self._changed("nginx"))
        yield self._plan(self._running(), self._other_proxy(), self.tree)
        for drift in DRIFTS:
            if drift.of == self.server.name:
                facts = drift.seen(self.stack, self._running())
                yield self._plan(facts, self.stack, self.tree)

    def _changed(self, below: str) -> Tree:
        return {
            path: (mode, f"other {found}" if path.startswith(below) else found)
            for path, (mode, found) in self.tree.items()
        }

    def _other_proxy(self) -> Stack:
        return replace(
            self.stack,
            services=tuple(
                replace(one, image="nginx:other", config_hash="another") if one.hints.proxy else one
                for one in self.stack.services
            ),
        )

    def _target(self, stack: Stack, tree: Tree) -> Target:
        return target_of(self.server, stack, builders.commit(tree=tree), self.callers)

    def _plan(self, facts: Facts, stack: Stack, tree: Tree) -> Plan:
        wanted = builders.commit(tree=tree)
        wish = Wish(restart_data=True)
        target = self._target(stack, tree)
        called = CALLED if self.server.calls else ""
        return decide(self.server, target, facts, wanted, wish, called_certificate=called)

    def _running(self) -> Facts:
        """A server on which this very checkout was deployed."""
        images = builders.image_ids(self.target)
        root = self.server.root
        names = (*FOLDERS, "certs/fullchain.pem", "certs/privkey.pem", "certs/trust/ca-bundle.pem")
        folders = [str(root), *(str(root / name) for name in names), *self.stack.volume_folders]
        release = builders.release(
            server=self.server.name,
            commits={one.name: builders.OLD for one in self.stack.services},
            images={
                name: Image(image.reference, images[image.reference])
                for name, image in self.target.images.items()
            },
            definitions={one.name: one.config_hash for one in self.stack.services},
            configuration=self.target.configuration,
        )
        return builders.facts(
            folders=builders.folders(*folders),
            trust=CALLED if self.server.calls else "",
            containers=tuple(
                self._container(one, images, number)
                for one in self.stack.services
                for number in range(1, one.replicas + 1)
            ),
            images=images,
            releases=(release,),
            generation=self.target.generation,
        )

    def _container(self, one: Service, images: Mapping[str, str], number: int) -> Container:
        labels = builders.labels_of(self.stack.project, one.name, one.config_hash)
        labels["com.docker.compose.container-number"] = str(number)
        image = images[self.target.images[one.name].reference]
        made = builders.container(one, image, labels=labels)
        return replace(made, id=f"{made.id}-{number}")


def _tree() -> Tree:
    listed = subprocess.run(
        ["git", "ls-tree", "-r", "-t", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    parsed = (line.split(None, 3) for line in listed.splitlines())
    return {path: (mode, identity) for mode, _, identity, path in parsed}


def _resolved(server: Server) -> tuple[str, str]:
    """What compose makes of the server's file, at the place where the checkout stands there."""
    file = ROOT / server.compose[0]
    with compose_settings(ROOT, file) as settings:
        words = [str(COMPOSE), "--env-file", str(settings), "--project-directory"]
        words += [str(server.path / server.compose[0].parent), "-f", str(file), "config"]
        return tuple(  # type: ignore[return-value]
            subprocess.run([*words, *more], capture_output=True, text=True, check=True).stdout
            for more in (["--format", "json"], ["--hash", "*"])
        )
