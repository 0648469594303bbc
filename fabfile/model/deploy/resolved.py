"""What compose resolved, read into a stack; what has another form is refused, never half read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from .. import healing, own_jobs
from ..duration import length
from ..errors import refused
from ..hints import START_FIRST, Hints
from ..image_names import familiar
from ..own_jobs import OwnJob
from ..reading import load
from ..stack import Build, Heal, Mount, Port, Read, Service, Stack
from ..x_deploy import known_hints, parse_hints
from .meaning import meaning
from .never_asked import never_asked
from .understood import not_understood, replicas

ONCE = ("no", "on-failure")
"""Restart policies of a service that may end by itself, where nothing asks it."""
ODD = (ValueError, TypeError, KeyError, AttributeError)
"""What another form than the expected one raises where it is read."""


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
    digests = dict(line.split() for line in hashes.split("\n") if len(line.split()) == 2)
    try:
        return _stack(model, digests, strict=strict)
    except ODD as error:
        raise refused(
            "compose gives the stack in a form that is not understood here"
            f" ({type(error).__name__}: {error})"
        ) from None


def _stack(model: Mapping[str, Any], digests: Mapping[str, str], *, strict: bool) -> Stack:
    hints = model.get("x-deploy") or {}
    if not isinstance(hints, dict):
        raise refused("x-deploy: not a mapping of services to what a deploy must know of them")
    unknown = sorted(set(hints) - set(model["services"]) - {own_jobs.KEY, healing.KEY})
    if unknown and strict:
        raise refused(f"x-deploy: no such service: {', '.join(unknown)}")
    read_hints = parse_hints if strict else known_hints
    services = {}
    for name, raw in model["services"].items():
        try:
            service = _service(name, model, raw, read_hints(name, hints.get(name)))
        except ODD as error:
            raise refused(
                f"service {name}: its definition is not understood here"
                f" ({type(error).__name__}: {error})"
            ) from None
        services[name] = replace(service, config_hash=digests.get(name, ""))
    for name in _awaited(model):
        if name in services:
            services[name] = replace(services[name], completes=True, lasts=False)
    if not any(one.hints.proxy for one in services.values()):  # nobody moves requests
        services = {name: replace(one, beside=False) for name, one in services.items()}
    if strict and (wrong := never_asked(services.values())):
        raise refused(f"x-deploy: {'; '.join(wrong)}")
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
        not_understood=(*not_understood(model), *_several(services.values())),
        jobs=_jobs(model, hints, strict=strict),
        heal=_heal(model, hints, strict=strict),
    )


def _jobs(
    model: Mapping[str, Any], hints: Mapping[str, Any], *, strict: bool
) -> tuple[OwnJob, ...]:
    read = own_jobs.parse_jobs if strict else own_jobs.known_jobs
    services = model["services"]
    return read(None if own_jobs.KEY in services else hints.get(own_jobs.KEY), services)


def _heal(model: Mapping[str, Any], hints: Mapping[str, Any], *, strict: bool) -> Heal | None:
    read = healing.parse_heal if strict else healing.known_heal
    return read(None if healing.KEY in model["services"] else hints.get(healing.KEY))


def _awaited(model: Mapping[str, Any]) -> Iterator[str]:
    """The services that others await until they have ended with 0."""
    for raw in model["services"].values():
        for other, how in (raw.get("depends_on") or {}).items():
            if (how or {}).get("condition") == "service_completed_successfully":
                yield other


def _several(services: Collection[Service]) -> list[str]:
    return [
        f"service {one.name}: {one.replicas} replicas cannot publish port {port.published}: give it"
        f" a range of {one.replicas} ports or more"
        for one in services
        for port in one.ports
        if len(port.choices) < one.replicas
    ]


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
    resources = (raw.get("deploy") or {}).get("resources") or {}
    limits, reserved = (resources.get(part) or {} for part in ("limits", "reservations"))
    health = raw.get("healthcheck") or {}
    policy = str(raw.get("restart")).partition(":")[0]
    asked = (
        hints.probe
        or "test" in health
        or any(one.get("published") for one in raw.get("ports") or [])
    )
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
        meaning=meaning(raw),
        completes=policy in ONCE and not asked,
        lasts=policy == ONCE[1] and not asked,
        command=tuple(raw.get("command") or ()),
        environment={
            key: "" if value is None else str(value).replace("$$", "$")
            for key, value in (raw.get("environment") or {}).items()
        },
        reads=tuple(_reads(model, raw)),
        in_host_network=raw.get("network_mode") == "host",
        start_period=length(health.get("start_period", "0s")),
        reserved=int(reserved.get("memory") or raw.get("mem_reservation") or 0),
        fixed="container_name" in raw,
        replicas=replicas(raw),
        counted="replicas" if "replicas" in (raw.get("deploy") or {}) else "scale",
        beside=_beside(name, raw, hints),
        hints=hints,
    )


def _beside(name: str, raw: Mapping[str, Any], hints: Hints) -> bool:
    """Whether new replicas start beside the old: asked for, or what ``replicas`` lets expect."""
    alone = [
        why
        for why, there in (
            ("container_name", "container_name" in raw),
            ("a published port", any(port.get("published") for port in raw.get("ports") or [])),
            ("network_mode host", raw.get("network_mode") == "host"),
            ("keep", hints.keep),
            ("proxy", hints.proxy),
        )
        if there
    ]
    if hints.update.order == START_FIRST and alone:
        raise refused(
            f"x-deploy.{name}.update: {START_FIRST} needs a second container beside the first,"
            f" which {' and '.join(alone)} forbids"
        )
    if hints.update.order or alone:
        return hints.update.order == START_FIRST
    counted = "replicas" in (raw.get("deploy") or {}) or "scale" in raw
    health = raw.get("healthcheck") or {}
    return counted and (hints.probe is not None or ("test" in health and not health.get("disable")))


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
    target = int(raw.get("target") or 0)
    return Port(raw.get("host_ip", ""), int(first), protocol, int(last or 0), target)


def _reads(model: Mapping[str, Any], raw: Mapping[str, Any]) -> Iterator[Read]:
    for section, folder in (("configs", "/"), ("secrets", "/run/secrets/")):
        for entry in raw.get(section) or []:
            definition = (model.get(section) or {}).get(entry["source"]) or {}
            target = str(PurePosixPath(folder) / (entry.get("target") or entry["source"]))
            mode = entry.get("mode") or "444"  # a number in compose before 2.30
            owner = (int(entry.get("uid") or 0), int(entry.get("gid") or 0))
            for kind in ("content", "environment", "file"):
                if kind in definition:
                    yield Read(kind, str(definition[kind]), target, _mode(mode), owner)


def _mode(raw: int | str) -> int:
    return raw if isinstance(raw, int) else int(raw, 8)


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
