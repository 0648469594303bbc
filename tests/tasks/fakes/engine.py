"""The simulated engine: images by content, containers with addresses, compose's ``up``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
    address: str = ""
    ports: tuple[int, ...] = ()
    data: tuple[str, ...] = ()
    """Volumes that it may write to."""
    environment: Mapping[str, str] = field(default_factory=dict)
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

    def up(self, model: Model, service: str, *, force: bool) -> tuple[list[str], Ended]:
        """``compose up --wait`` of a service; what was replaced, and how it ended."""
        self.networks.setdefault("app-network", model.project)
        replaced = []
        for name in [*model.needs(service), service]:
            if self._converged(model, name) and not (force and name == service):
                continue
            replaced.append(name)
            ended = self._start(model, name) or self._create(model, name)
            if ended.code:
                return replaced, ended
        container = self.of(model.project, service)
        healthy = container is not None and container.health != "unhealthy"
        return replaced, Ended() if healthy else Ended(
            1, err=f"container app-{service} is unhealthy"
        )

    def of(self, project: str, service: str) -> Container | None:
        """The container of a service."""
        for container in self.containers.values():
            if (container.project, container.service) == (project, service):
                return container
        return None

    def down(self, project: str) -> None:
        """Somebody's ``compose down``: containers and network of a project are gone."""
        self.containers = {n: c for n, c in self.containers.items() if c.project != project}
        self.networks = {n: owner for n, owner in self.networks.items() if owner != project}

    def place(self, container: Container) -> Container:
        """Put a container on the server, with an id of its own and an address that nobody had."""
        self._made += 1
        container.id = container.id or f"container-{self._made}"
        if container.state == "running":
            container.address = f"{self._network}.{self._made}"
        self.containers[container.name] = container
        return container

    def die(self, service: str) -> None:
        """The container of a service ends and is started again, as ``restart`` says."""
        for container in self.containers.values():
            if container.service == service:
                container.restarts += 1

    def _converged(self, model: Model, name: str) -> bool:
        container = self.of(model.project, name)
        return (
            container is not None
            and container.state == "running"
            and container.image == self.find(model.services[name]["image"])
            and container.config_hash == model.config_hash(name)
        )

    def _start(self, model: Model, name: str) -> Ended | None:
        """Start a stopped container again, at another address, where it is still the right one."""
        container = self.of(model.project, name)
        if container is None or container.state not in ("exited", "created"):
            return None
        container.state = "running"
        if not self._converged(model, name):
            return None
        self.place(container)
        return Ended()

    def _create(self, model: Model, name: str) -> Ended:
        spec: dict[str, Any] = model.services[name]
        image = self.find(spec["image"])
        if not image:
            return Ended(1, err=f"Error response from daemon: No such image: {spec['image']}")
        holder = self.containers.get(spec["container_name"])
        if holder and (holder.project, holder.service) != (model.project, name):
            return Ended(1, err=f'Conflict. The container name "/{holder.name}" is already in use')
        text = self.text(image)
        self.place(
            Container(
                name=spec["container_name"],
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
