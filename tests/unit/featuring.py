"""Projects with features on a server of pure values: compose itself resolves them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from fabfile.model.access.envfile import digest
from fabfile.model.commit import Change, Commit
from fabfile.model.deploy.content import Tree
from fabfile.model.deploy.plan import Plan, Target, target_of
from fabfile.model.deploy.preflight import env_findings
from fabfile.model.deploy.resolved import parse
from fabfile.model.errors import Trouble
from fabfile.model.facts import Container
from fabfile.model.stack import Stack
from tests.features.catalogue import Feature
from tests.features.pairs import made
from tests.features.project import Project, put

from .builders import CHECKOUT, ROOT, SERVER, container, labels_of, service, stack_problems
from .simulation import World

COMPOSE = Path(sys.executable).with_name("docker-compose")
NOT_OF_THE_CONTAINER = ("build", "depends_on", "scale", "pull_policy")
"""Keys that compose leaves out of its own digest of a definition."""


@dataclass(frozen=True)
class Version:
    """A commit of a project, as a look finds it."""

    commit_: Commit
    stack: Stack | None
    problems: tuple[str, ...]
    """Why a deploy of it would be refused."""
    project: Project

    @property
    def identity(self) -> str:
        return self.commit_.id

    def commit(self) -> Commit:
        return self.commit_

    def target(self) -> Target:
        assert self.stack is not None
        return target_of(SERVER, self.stack, self.commit_)


def version(
    features: tuple[Feature, ...], folder: Path, *, greeting: str = "Hello", level: int = 1
) -> Version:
    """Resolve a project with the real compose; ``folder`` is empty, and the checkout meanwhile."""
    given = Project(level=level, root=str(ROOT))
    return resolved_version(made(features, given), folder, greeting)


def resolved_version(project: Project, folder: Path, greeting: str = "Hello") -> Version:
    """The commit of a project, as a look finds it."""
    files = project.written(greeting)
    put(files, folder)
    env = "".join(f"{key}={value}\n" for key, value in (project.env or {}).items())
    if project.env is not None:
        (folder / ".env").write_text(env)
    given = [word for name in project.compose for word in ("-f", name)]
    done = subprocess.run(
        [str(COMPOSE), *given, "config", "--format", "json"],
        cwd=folder,
        env={"HOME": str(folder), "PATH": os.environ["PATH"], **(project.env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    resolved = done.stdout.replace(str(folder), str(CHECKOUT))
    identity = hashlib.sha1(json.dumps([greeting, project.level, *files]).encode()).hexdigest()
    commit = Commit(
        identity, "A change", "", "", tree(files), "", (Change(identity, "A change", ()),),
        resolved, "", project.env or {},
    )  # fmt: skip
    if done.returncode:
        return Version(commit, None, (done.stderr,), project)
    seen = server(project, env).facts
    unset = tuple(
        line.partition('\\"')[2].partition('\\"')[0]
        for line in done.stderr.splitlines()
        if "is not set" in line
    )
    commit = replace(commit, hashes=_hashes(resolved), unset=unset)
    found = env_findings(SERVER, replace(seen, commit=commit)).problems
    try:
        stack = parse(resolved, commit.hashes)
    except Trouble as trouble:
        return Version(commit, None, (*found, trouble.message), project)
    return Version(commit, stack, (*found, *stack_problems(seen, stack)), project)


def tree(files: object) -> Tree:
    """The files as git lists them."""
    assert isinstance(files, dict)
    folders = {
        str(above): ("040000", "")
        for name in files
        for above in PurePosixPath(name).parents
        if above.name
    }
    said = {
        name: ("100644", hashlib.sha1(text.encode()).hexdigest()) for name, text in files.items()
    }
    return {**folders, **said}


def _hashes(resolved: str) -> str:
    lines = []
    for name, raw in json.loads(resolved)["services"].items():
        said = {key: value for key, value in raw.items() if key not in NOT_OF_THE_CONTAINER}
        if "deploy" in said:
            said["deploy"] = {k: v for k, v in said["deploy"].items() if k != "replicas"}
        lines.append(
            f"{name} {hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()}"
        )
    return "\n".join(lines)


class Played(World):
    """A server on which a project's one-shots have ended, and its replicas are all there."""

    def rolled(self, name: str, target: Target) -> object:  # type: ignore[override]
        facts = self.up(name, target)
        if target.stack.service(name).completes:
            ended = tuple(
                replace(one, state="exited", health="") if one.service == name else one
                for one in facts.containers
            )
            facts = replace(facts, containers=ended)
        self.facts = facts
        return self.loaded(facts.generation)

    def record(self, plan: Plan, target: Target, outcome: str, back_to: str = "") -> None:
        super().record(plan, target, outcome, back_to)
        *before, last = self.facts.releases
        said = {name: digest(text, "salt") for name, text in target.beside.items()}
        made = replace(last, beside=said, env_salt="salt", parts=target.stack.parts)
        self.facts = replace(self.facts, releases=(*before, made))


def server(project: Project, env: str = "") -> Played:
    """A server on which nothing of the project was ever deployed."""
    world = Played()
    networks = {"bridge": ""}
    volumes: dict[str, str] = {}
    for one in project.external:
        kind, _, name = one.partition(" ")
        (networks if kind == "network" else volumes)[name] = ""
    others: tuple[Container, ...] = ()
    if project.neighbour:
        networks["shop_default"] = "shop"
        other = container(service("web"), "sha256:other")
        labels = labels_of("shop", "web")
        others = (
            replace(other, id="other", name="shop-web-1", labels=labels, published=("8090/tcp",)),
        )
    world.facts = replace(
        world.facts,
        networks=networks,
        volumes=volumes,
        containers=others,
        env=env,
        env_stat=None if project.env is None else ("ubuntu", "600"),
    )
    return world


def touched(plan: Plan) -> set[str]:
    """The services that get another container."""
    kinds = ("up", "roll", "start")
    return {name for step in plan.steps if step.kind in kinds for name in step.subject.split(", ")}
