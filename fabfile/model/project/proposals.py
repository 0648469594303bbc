"""What ``x-deploy`` should say of a compose project, guessed from what compose makes of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ..deploy.content import inside
from ..reading import load
from ..stack import Service, Stack

ASKED = re.compile(
    r"http://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\])(?::(?P<port>\d+))?"
    r"(?P<path>/[^\s\"'|;)]*)?"
)
"""The address that a health check asks in its own container."""


@dataclass(frozen=True)
class Web:
    """A service that answers HTTP, and where it is asked whether it works."""

    service: str
    port: int
    """The container's."""
    path: str
    guessed: bool
    """Whether nothing but its port says so."""
    published: bool


@dataclass(frozen=True)
class Proposals:
    """What is proposed for a project."""

    project: str
    webs: tuple[Web, ...]
    """Those that publish a port first."""
    data: tuple[str, ...]
    """Services that keep data."""
    databases: tuple[str, ...]
    """Those of them that are PostgreSQL."""
    proxy: str
    """The service of its own that takes requests from outside; empty: none was found."""
    contexts: tuple[str, ...]
    """Folders that images are built from, relative to the repository."""


def propose(
    stack: Stack, model: Mapping[str, Any], root: PurePosixPath, tracked: Collection[str]
) -> Proposals:
    """``model``: what compose printed. ``tracked``: the files of the repository at ``root``."""
    proxies = (
        one.name
        for one in stack.services
        if one.build is None and {port.published for port in one.ports} & {80, 443}
    )
    proxy = next(proxies, "")
    others = [one for one in stack.services if one.name != proxy]
    data = tuple(one.name for one in others if _keeps(one, root, tracked))
    found = (_web(one, model["services"][one.name]) for one in others if one.name not in data)
    contexts = (inside(one.build.context, root) for one in stack.services if one.build)
    return Proposals(
        project=stack.project,
        webs=tuple(sorted(filter(None, found), key=lambda web: not web.published)),
        data=data,
        databases=tuple(
            name
            for name in data
            if {"POSTGRES_USER", "POSTGRES_DB"} <= {*stack.service(name).environment}
        ),
        proxy=proxy,
        contexts=tuple(dict.fromkeys(one for one in contexts if one is not None)),
    )


def unproved(stack: Stack, resolved: str) -> list[str]:
    """What to say of a stack in which nothing asks whether it works.

    ``resolved``: what compose printed, as JSON.
    """
    if stack.proves:
        return []
    services = load(resolved)["services"]
    webs = filter(None, (_web(one, services[one.name]) for one in stack.services))
    lines = [f'{web.service}: {{probe: {{port: {web.port}, path: "{web.path}"}}}}' for web in webs]
    said = "nothing asks whether it works, so a release is called started, not verified"
    return [f"{said}; under x-deploy: {'; '.join(lines) or 'a probe or a gate (docs/deploy.md)'}"]


def _keeps(service: Service, root: PurePosixPath, tracked: Collection[str]) -> bool:
    """Whether an image of others writes to a place that stays, and is no file of the repository."""
    if service.build:
        return False
    for mount in service.mounts:
        if mount.source.endswith(".sock"):
            continue
        own = inside(mount.source, root) if mount.kind == "bind" else None
        theirs = own is not None and any(f"{path}/".startswith(f"{own}/") for path in tracked)
        if not mount.read_only and mount.kind in ("volume", "bind") and not theirs:
            return True
    return False


def _web(service: Service, raw: Mapping[str, Any]) -> Web | None:
    test = " ".join(map(str, (raw.get("healthcheck") or {}).get("test") or ()))
    published = bool(service.ports)
    if found := ASKED.search(test):
        return Web(service.name, int(found["port"] or 80), found["path"] or "/", False, published)
    port = next(_ports(raw), 0)
    return Web(service.name, port, "/", True, published) if service.build and port else None


def _ports(raw: Mapping[str, Any]) -> Iterator[int]:
    """The TCP ports that it publishes or exposes."""
    for port in raw.get("ports") or []:
        if port.get("protocol", "tcp") == "tcp":
            yield int(port["target"])
    for port in raw.get("expose") or []:
        number, _, protocol = str(port).partition("/")
        if number.isdecimal() and protocol in ("", "tcp"):
            yield int(number)
