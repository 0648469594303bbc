"""The stack: what compose makes of the compose file, with the hints of ``x-deploy``.

Nothing about a particular service is known here; what belongs to a service follows from the compose
model, and what compose has no word for stands in the file's top-level ``x-deploy``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from .errors import refused
from .hints import Hints, known_hints, parse_hints
from .reading import load


@dataclass(frozen=True)
class Build:
    """How an image is made; paths are relative to the repository."""

    context: str
    dockerfile: str
    args: tuple[tuple[str, str], ...] = ()
    target: str = ""


@dataclass(frozen=True)
class Mount:
    """A bind mount or volume of a service. ``source`` is a host path or a volume's name."""

    kind: str
    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True)
class Port:
    """A port that a service publishes on the server."""

    address: str
    published: int
    protocol: str


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
    hints: Hints = Hints()

    @property
    def repository(self) -> str:
        """The image's name without its tag."""
        return self.image.rpartition(":")[0] or self.image


@dataclass(frozen=True)
class Stack:
    """A server's compose file at one commit, resolved with the server's ``.env``."""

    project: str
    services: tuple[Service, ...]
    """In dependency order, the proxy last."""
    networks: tuple[str, ...]
    volume_folders: tuple[str, ...]
    """Host folders that volumes bind."""

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
        model = load(resolved)
    except ValueError:
        raise refused(f"compose cannot read the stack: {resolved.strip()[:500]}") from None
    digest = dict(line.split() for line in hashes.split("\n") if len(line.split()) == 2)
    if not isinstance(model, dict) or not model.keys() >= {"name", "services"}:
        raise refused("compose gives the stack in a form that is not understood here")
    hints = model.get("x-deploy") or {}
    unknown = sorted(set(hints) - set(model["services"]))
    if unknown and strict:
        raise refused(f"x-deploy: no such service: {', '.join(unknown)}")
    read_hints = parse_hints if strict else known_hints
    services = {}
    for name, raw in model["services"].items():
        try:
            its_hints = read_hints(name, hints.get(name))
            services[name] = _service(name, model["name"], raw, digest.get(name, ""), its_hints)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise refused(
                f"service {name}: its definition is not understood here"
                f" ({type(error).__name__}: {error})"
            ) from None
    devices = (
        (volume.get("driver_opts") or {}).get("device") for volume in _all(model.get("volumes"))
    )
    if strict and (wrong := _never_asked(services.values())):
        raise refused(f"x-deploy: {'; '.join(wrong)}")
    return Stack(
        project=model["name"],
        services=_ordered(services),
        networks=tuple(network["name"] for network in _all(model.get("networks"))),
        volume_folders=tuple(sorted(device for device in devices if device)),
    )


def _never_asked(services: Collection[Service]) -> list[str]:
    """What stands in ``x-deploy`` where nobody looks: a release would pass without it."""
    wrong = []
    for one in services:
        for key in ("gates", "upstreams", "hold"):
            if getattr(one.hints, key) and not one.hints.proxy:
                wrong.append(f"{key} of {one.name}: it is not the proxy")
        if one.hints.smoke and one.build is None:
            wrong.append(f"smoke of {one.name}: its image is not built here")
    for key in ("proxy", "database", "link"):
        names = [one.name for one in services if getattr(one.hints, key)]
        if len(names) > 1:
            wrong.append(f"{key} of {' and '.join(names)}: only one is asked")
    return wrong


def _all(section: Mapping[str, Any] | None) -> list[Any]:
    return [entry or {} for entry in (section or {}).values()]


def _service(name: str, project: str, raw: Mapping[str, Any], digest: str, hints: Hints) -> Service:
    build = None
    if "build" in raw:
        spec = raw["build"]
        build = Build(
            context=spec["context"],
            dockerfile=str(PurePosixPath(spec["context"]) / spec.get("dockerfile", "Dockerfile")),
            args=tuple(sorted((spec.get("args") or {}).items())),
            target=spec.get("target", ""),
        )
    limits = ((raw.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    return Service(
        name=name,
        image=raw.get("image", f"{project}-{name}"),
        build=build,
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
        ports=tuple(
            Port(port.get("host_ip", ""), int(port["published"]), port.get("protocol", "tcp"))
            for port in raw.get("ports") or []
            if port.get("published")
        ),
        cpus=float(limits.get("cpus") or 0),
        config_hash=digest,
        command=tuple(raw.get("command") or ()),
        environment={
            key: "" if value is None else str(value).replace("$$", "$")
            for key, value in (raw.get("environment") or {}).items()
        },
        hints=hints,
    )


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
