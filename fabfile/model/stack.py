"""The stack: what compose makes of the compose file, with the hints of ``x-deploy``.

Nothing about a particular service is known here; what belongs to a service follows from the compose
model, and what compose has no word for stands in the file's top-level ``x-deploy``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from .duration import length
from .errors import refused
from .hints import Hints, known_hints, parse_hints
from .image_names import familiar, repository
from .understood import not_understood

ONCE = ("no", "on-failure")
"""Restart policies of a service that may end by itself."""


@dataclass(frozen=True)
class Build:
    """How an image is made; paths are absolute, as they will be in the checkout."""

    context: str
    dockerfile: str
    """Empty: it stands inline."""
    args: tuple[tuple[str, str], ...] = ()
    target: str = ""
    contexts: tuple[tuple[str, str], ...] = ()
    """Others by name: a path, the address of an image or a repository, or ``service:NAME``."""
    rest: str = ""
    """All else that compose says of it, as JSON; an inline Dockerfile, for one."""


@dataclass(frozen=True)
class Mount:
    """A bind mount or volume of a service. ``source`` is a host path or a volume's name."""

    kind: str
    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True)
class Port:
    """A port that a service publishes on the server, or one of a range."""

    address: str
    published: int
    protocol: str
    last: int = 0
    """Of a range: one of its ports, up to this one, is enough."""

    @property
    def choices(self) -> list[str]:
        """The ports that it may be, as :attr:`Facts.listening` writes them."""
        last = self.last or self.published
        return [f"{port}/{self.protocol}" for port in range(self.published, last + 1)]


@dataclass(frozen=True)
class Read:
    """A config or secret of a service, which compose's digest of its definition leaves out."""

    kind: str
    """``content``, ``environment`` (a key of ``.env``) or ``file``."""
    value: str


@dataclass(frozen=True)
class Service:
    """An entry in the stack."""

    name: str
    image: str
    build: Build | None
    container: str
    """The container's name."""
    depends_on: tuple[str, ...]
    mounts: tuple[Mount, ...]
    ports: tuple[Port, ...]
    cpus: float
    """Limit of CPUs; 0: none."""
    config_hash: str
    """Compose's own digest of the definition, as it labels containers with."""
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Resolved; holds secrets, so it never shows in a repr."""
    reads: tuple[Read, ...] = field(default=(), repr=False)
    """Its configs and secrets; they may hold secrets."""
    completes: bool = False
    """It is done when it has ended with 0."""
    in_host_network: bool = False
    start_period: float = 0
    """Seconds that it may take to start before a failed health check counts."""
    hints: Hints = Hints()

    @property
    def repository(self) -> str:
        """The image's name without its tag."""
        return repository(self.image)

    def done(self, state: str, exit_code: int) -> bool:
        """Whether a container in this state has done what it was started for."""
        return self.completes and state == "exited" and exit_code == 0


@dataclass(frozen=True)
class Stack:
    """A server's compose file at one commit, resolved with the server's ``.env``."""

    project: str
    services: tuple[Service, ...]
    """In dependency order, the proxy last."""
    networks: tuple[str, ...]
    volume_folders: tuple[str, ...]
    """Host folders that volumes bind."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """``network NAME`` and ``volume NAME`` → digest of its definition."""
    external: tuple[str, ...] = ()
    """Those that must be there already, likewise named."""
    not_understood: tuple[str, ...] = ()
    """What it says and a deploy would leave undone, a line each."""

    def service(self, name: str) -> Service:
        """The service of that name; exit code 2 when there is none."""
        for service in self.services:
            if service.name == name:
                return service
        known = ", ".join(service.name for service in self.services)
        raise refused(f"no service '{name}' in the stack; services: {known}")

    @property
    def database(self) -> Service | None:
        """The service that ``x-deploy`` calls the database."""
        return next((service for service in self.services if service.hints.database), None)

    @property
    def proxy(self) -> Service | None:
        """The service that ``x-deploy`` calls the proxy."""
        return next((service for service in self.services if service.hints.proxy), None)


def parse(resolved: str, hashes: str, *, strict: bool = True) -> Stack:
    """Read ``docker compose config --format json`` and ``config --hash '*'``.

    ``strict``: a hint that is not known here ends the command with exit code 2. A release that an
    older or newer collection deployed is read without: what it says beyond is left out.

    The project directory must have been the checkout's own, so that digests and paths are those of
    the containers that ``up`` makes.
    """
    try:
        model = json.loads(resolved)
    except ValueError:
        raise refused(f"compose cannot read the stack: {resolved.strip()[:500]}") from None
    digests = dict(line.split() for line in hashes.splitlines() if len(line.split()) == 2)
    hints = model.get("x-deploy") or {}
    if not isinstance(hints, dict):
        raise refused("x-deploy: not a mapping of services to what a deploy must know of them")
    unknown = sorted(set(hints) - set(model["services"]))
    if unknown and strict:
        raise refused(f"x-deploy: no such service: {', '.join(unknown)}")
    read_hints = parse_hints if strict else known_hints
    awaited = {
        other
        for raw in model["services"].values()
        for other, how in (raw.get("depends_on") or {}).items()
        if (how or {}).get("condition") == "service_completed_successfully"
    }
    services = {
        name: replace(
            _service(name, model, raw, read_hints(name, hints.get(name))),
            config_hash=digests.get(name, ""),
            completes=name in awaited or str(raw.get("restart")).partition(":")[0] in ONCE,
        )
        for name, raw in model["services"].items()
    }
    devices = (
        (volume.get("driver_opts") or {}).get("device")
        for volume in (model.get("volumes") or {}).values()
        if volume
    )
    parts, external = _parts(model)
    return Stack(
        project=model["name"],
        services=_ordered(services),
        networks=tuple(
            name.removeprefix("network ") for name in parts if name.startswith("network ")
        ),
        volume_folders=tuple(sorted(device for device in devices if device)),
        parts=parts,
        external=external,
        not_understood=not_understood(model),
    )


def _parts(model: Mapping[str, Any]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The networks and volumes of the stack itself, and those that it only uses."""
    parts, external = {}, []
    for kind in ("network", "volume"):
        for key, raw in (model.get(f"{kind}s") or {}).items():
            definition = raw or {}
            name = f"{kind} {definition.get('name', key)}"
            if definition.get("external"):
                external.append(name)
            else:
                said = {part: value for part, value in definition.items() if value}
                parts[name] = _digest(said)
    return parts, tuple(external)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _service(name: str, model: Mapping[str, Any], raw: Mapping[str, Any], hints: Hints) -> Service:
    project = model["name"]
    limits = ((raw.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    health = raw.get("healthcheck") or {}
    return Service(
        name=name,
        image=familiar(raw.get("image", f"{project}-{name}")),
        build=_build(raw["build"]) if "build" in raw else None,
        container=raw.get("container_name", f"{project}-{name}-1"),
        depends_on=tuple(sorted(raw.get("depends_on") or {})),
        mounts=tuple(
            Mount(
                volume["type"],
                volume.get("source", ""),
                volume["target"],
                bool(volume.get("read_only")),
            )
            for volume in raw.get("volumes") or []
        ),
        ports=tuple(_port(port) for port in raw.get("ports") or [] if port.get("published")),
        cpus=float(limits.get("cpus") or 0),
        config_hash="",
        command=tuple(raw.get("command") or ()),
        environment={
            key: "" if value is None else str(value).replace("$$", "$")
            for key, value in (raw.get("environment") or {}).items()
        },
        reads=tuple(_reads(model, raw)),
        in_host_network=raw.get("network_mode") == "host",
        start_period=length(health.get("start_period", "0s")),
        hints=hints,
    )


def _build(spec: Mapping[str, Any]) -> Build:
    known = {"context", "dockerfile", "args", "target", "additional_contexts"}
    rest = {key: value for key, value in spec.items() if key not in known and value}
    file = "" if "dockerfile_inline" in spec else spec.get("dockerfile", "Dockerfile")
    return Build(
        context=spec["context"],
        dockerfile=str(PurePosixPath(spec["context"]) / file) if file else "",
        args=tuple(sorted((spec.get("args") or {}).items())),
        target=spec.get("target", ""),
        contexts=tuple(sorted((spec.get("additional_contexts") or {}).items())),
        rest=json.dumps(rest, sort_keys=True) if rest else "",
    )


def _port(raw: Mapping[str, Any]) -> Port:
    first, _, last = str(raw["published"]).partition("-")
    protocol = raw.get("protocol", "tcp")
    return Port(raw.get("host_ip", ""), int(first), protocol, int(last or 0))


def _reads(model: Mapping[str, Any], raw: Mapping[str, Any]) -> Iterator[Read]:
    for section in ("configs", "secrets"):
        for entry in raw.get(section) or []:
            definition = (model.get(section) or {}).get(entry["source"]) or {}
            for kind in ("content", "environment", "file"):
                if kind in definition:
                    yield Read(kind, str(definition[kind]))


def _ordered(services: Mapping[str, Service]) -> tuple[Service, ...]:
    """Dependencies first, otherwise as the file has them, the proxy last."""
    done: dict[str, Service] = {}

    def visit(service: Service) -> None:
        if service.name in done:
            return
        for dependency in service.depends_on:
            if dependency in services:
                visit(services[dependency])
        done[service.name] = service

    for service in sorted(services.values(), key=lambda service: service.hints.proxy):
        visit(service)
    return tuple(done.values())
