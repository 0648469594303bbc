"""The simulated engine: images by content, containers with addresses, compose's ``up``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from fabfile.model.facts import SHORT

from .composing import Model

Content = Mapping[str, str]


@dataclass
class Container:
    """A container. ``project`` and ``service`` are empty when it was made by hand."""

    name: str
    image: str
    project: str = ""
    service: str = ""
    config_hash: str = ""
    state: str = "running"
    health: str = "healthy"
    restarts: int = 0
    limit: int = 0
    """Bytes of memory that it may have; 0: as many as there are."""
    address: str = ""
    ports: tuple[int, ...] = ()
    data: tuple[str, ...] = ()
    """Volumes that it may write to."""
    environment: Mapping[str, str] = field(default_factory=dict)
    number: int = 1
    """Which of its service's containers it is, as compose counts."""
    id: str = ""


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int = 0
    out: str = ""
    err: str = ""


class Engine:
    """One server's Docker engine."""

    def __init__(self, network: str) -> None:
        self._network = network
        self._made = 0
        self.version = "26.1.5"
        self.containers: dict[str, Container] = {}
        self.images: dict[str, str] = {}
        """``NAME:TAG`` → id."""
        self.contents: dict[str, Content] = {}
        """Image id → the files that it was built from."""
        self.ours: set[str] = set()
        """Ids of the images with the label of the collection."""
        self.networks: dict[str, str] = {"bridge": ""}
        self.volumes: dict[str, str] = {}
        """Volume → compose project."""

    def content(self, container: Container) -> str:
        """All the text in a container's image: what decides how it behaves."""
        return self.text(container.image)

    def text(self, image: str) -> str:
        """All the text in an image."""
        return "\n".join(self.contents.get(image, {}).values())

    def find(self, reference: str) -> str:
        """The id of an image by name or id; empty when it is not there."""
        known = reference in self.contents
        return reference if known else self.images.get(reference, "")

    # --- images

    def build(self, reference: str, content: Content, *, fresh: bool, labelled: bool) -> Ended:
        """``compose build`` of one service."""
        if not content:
            return Ended(1, err="unable to prepare context: path not found")
        if "BUILD FAILS" in "\n".join(content.values()):
            return Ended(17, err="ERROR: process did not complete successfully: exit code: 1")
        self._made += 1
        identity = _sha(json.dumps(content, sort_keys=True), f"{self._made}" if fresh else "")
        self.images[reference] = identity
        self.contents[identity] = dict(content)
        if labelled:
            self.ours.add(identity)
        return Ended()

    def pull(self, reference: str) -> Ended:
        """``docker pull``."""
        self.images[reference] = _sha(reference)
        self.contents[self.images[reference]] = {}
        return Ended()

    def tag(self, source: str, name: str) -> Ended:
        """``docker tag``."""
        identity = self.find(source)
        if not identity:
            return Ended(1, err=f"Error response from daemon: No such image: {source}")
        self.images[name] = identity
        return Ended()

    def remove_image(self, identity: str) -> Ended:
        """``docker image rm --force`` by id."""
        self.images = {name: found for name, found in self.images.items() if found != identity}
        self.contents.pop(identity, None)
        self.ours.discard(identity)
        return Ended()

    def smoke(self, reference: str) -> Ended:
        """Start an image once, apart."""
        if not self.find(reference):
            return Ended(125, err=f"Unable to find image '{reference}' locally")
        if "CRASHES ON IMPORT" in self.text(self.find(reference)):
            return Ended(1, err="ImportError: cannot import name 'app'")
        return Ended()

    # --- containers

    def up(
        self,
        model: Model,
        service: str,
        *,
        force: bool,
        kept: bool = False,
        scales: Mapping[str, int] = MappingProxyType({}),
    ) -> tuple[list[str], Ended]:
        """``compose up --wait`` of a service; what was replaced, and how it ended."""
        self.networks.setdefault("app-network", model.project)
        replaced = []
        for name in [*model.needs(service), service]:
            there = self.all_of(model.project, name)
            wanted = scales.get(name, model.replicas(name))
            for surplus in there[wanted:]:
                replaced.append(name)
                del self.containers[surplus.name]
            slots: list[Container | None] = [*there[:wanted]]
            slots += [None] * (wanted - len(slots))
            for one in slots:
                if one and self._converged(model, one) and not (force and name == service):
                    continue
                if one and kept:
                    continue
                replaced.append(name)
                ended = self._start(model, one) or self._create(model, name, one)
                if ended.code:
                    return replaced, ended
        healthy = {one.health for one in self.all_of(model.project, service)} == {"healthy"}
        return replaced, Ended() if healthy else Ended(
            1, err=f"container app-{service} is unhealthy"
        )

    def beside(self, model: Model, service: str, total: int) -> tuple[list[Container], Ended]:
        """``compose up --no-recreate --scale`` and their start; those that are new."""
        former = self.all_of(model.project, service)
        for _ in range(total - len(former)):
            if (ended := self._create(model, service, None)).code:
                break
        made = [one for one in self.all_of(model.project, service) if one not in former]
        sick = [one for one in made if (one.state, one.health) != ("running", "healthy")]
        if len(made) < total - len(former):
            return made, ended
        return made, Ended(1, err=f"last words of {sick[0].name}") if sick else Ended()

    def all_of(self, project: str, service: str) -> list[Container]:
        """The containers of a service, by number."""
        found = [
            one
            for one in self.containers.values()
            if (one.project, one.service) == (project, service)
        ]
        return sorted(found, key=lambda one: one.number)

    def of(self, project: str, service: str) -> Container | None:
        """The first container of a service."""
        return next(iter(self.all_of(project, service)), None)

    def named(self, name: str) -> Container | None:
        """The container of that name or id, or start of an id."""
        for one in self.containers.values():
            if one.name == name or (len(name) >= SHORT and one.id.startswith(name)):
                return one
        return None

    def rename(self, container: Container, name: str) -> None:
        """``docker rename``."""
        assert name not in self.containers, f"the name {name} is already in use"
        del self.containers[container.name]
        container.name = name
        self.containers[name] = container

    def down(self, project: str) -> None:
        """Somebody's ``compose down``: containers and network of a project are gone."""
        self.containers = {n: c for n, c in self.containers.items() if c.project != project}
        self.networks = {n: owner for n, owner in self.networks.items() if owner != project}

    def place(self, container: Container) -> Container:
        """Put a container on the server, with an id of its own and an address that nobody had."""
        self._made += 1
        container.id = container.id or _sha(self._network, f"{self._made}").partition(":")[2]
        if container.state == "running":
            container.address = f"{self._network}.{self._made}"
        self.containers[container.name] = container
        return container

    def die(self, service: str) -> None:
        """The container of a service ends and is started again, as ``restart`` says."""
        for container in self.containers.values():
            if container.service == service:
                container.restarts += 1

    def _converged(self, model: Model, container: Container) -> bool:
        return (
            container.state == "running"
            and container.image == self.find(model.services[container.service]["image"])
            and container.config_hash == model.config_hash(container.service)
        )

    def _start(self, model: Model, container: Container | None) -> Ended | None:
        """Start a stopped container again, at another address, where it is still the right one."""
        if container is None or container.state not in ("exited", "created"):
            return None
        container.state = "running"
        if not self._converged(model, container):
            return None
        self.place(container)
        return Ended()

    def _create(self, model: Model, name: str, former: Container | None) -> Ended:
        """A new container, in the place of a former one."""
        spec: dict[str, Any] = model.services[name]
        image = self.find(spec["image"])
        if not image:
            return Ended(1, err=f"Error response from daemon: No such image: {spec['image']}")
        last = max((one.number for one in self.all_of(model.project, name)), default=0)
        number = former.number if former else last + 1
        own = spec.get("container_name", f"{model.project}-{name}-{number}")
        holder = self.containers.get(own)
        if holder and holder is not former:
            return Ended(1, err=f'Conflict. The container name "/{holder.name}" is already in use')
        if former:
            del self.containers[former.name]
        text = self.text(image)
        self.place(
            Container(
                name=own,
                number=number,
                image=image,
                project=model.project,
                service=name,
                config_hash=model.config_hash(name),
                state="restarting" if "CRASHES ON IMPORT" in text else "running",
                health="unhealthy" if _sick(text) else "healthy",
                ports=tuple(int(port["published"]) for port in spec.get("ports", ())),
                environment=spec.get("environment", {}),
            )
        )
        return Ended()


def _sick(text: str) -> bool:
    return "NEVER HEALTHY" in text or "CRASHES ON IMPORT" in text


def _sha(*parts: str) -> str:
    return "sha256:" + hashlib.sha256("|".join(parts).encode()).hexdigest()
