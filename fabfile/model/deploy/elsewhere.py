"""Images that another machine builds: what it needs for that, and what of them the server lacks."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ..inventory import ITSELF, LOCAL, Server
from ..reading import load
from ..stack import Build
from ..versions import COMPOSE, version
from .content import inside, moved, named
from .plan import Kind, Step, Target

Chain = tuple[str, ...]
"""The digests of layers from the lowest one up: a layer is another one above other layers."""


def shown(builder: str) -> str:
    """A builder as a sentence has it."""
    return "this machine" if builder == LOCAL else builder


def objections(server: Server, target: Target, steps: Iterable[Step]) -> list[str]:
    """What a build needs and no other machine has, a line per service."""
    if server.builder == ITSELF:
        return []
    found = []
    for step in steps:
        build = target.images[step.subject].build if step.kind is Kind.BUILD else None
        if build and (needs := _only_there(build)):
            found.append(
                f"{step.subject} cannot be built on {shown(server.builder)}: its build has"
                f" {', '.join(needs)}, which stays on the server: builder = {ITSELF}"
            )
    return found


def _only_there(build: Build) -> list[str]:
    rest = json.loads(build.rest) if build.rest else {}
    return [key for key in ("secrets", "ssh") if rest.get(key)] + [
        f"the context '{name}' of {value}"
        for name, value in build.contexts
        if value.startswith("service:")
    ]


def paths_of(build: Build, target: Target, checkout: PurePosixPath) -> list[str]:
    """The files and folders of the commit that a build reads, relative to the repository."""
    places = [build.context, *(value for _, value in build.contexts)]
    if build.dockerfile:
        places += [build.dockerfile, f"{build.dockerfile}.dockerignore"]
    found = {path for place in places if (path := inside(place, checkout)) is not None}
    if "" in found:
        return ["."]
    known = sorted(found & target.tree.keys())
    return [one for one in known if not any(one.startswith(f"{other}/") for other in known)]


def stack_of_one(
    target: Target, service: str, checkout: PurePosixPath, tree: PurePosixPath, platform: str
) -> str:
    """The stack of one build: the image of one service, made of what the commit has in ``tree``.

    It holds nothing of the service's environment. ``platform``: what it is built for; empty: what
    the builder is.
    """
    whole = named(load(target.resolved)["services"][service], target.images[service])
    found: dict[str, Any] = {
        "image": whole["image"],
        "build": moved(whole["build"], checkout, tree, target.tree),
    }
    if platform:
        found["platform"] = platform
    return json.dumps({"name": target.stack.project, "services": {service: found}})


@dataclass(frozen=True)
class Engine:
    """What a machine says of itself where images are built or arrive."""

    platform: str
    """Operating system and architecture: ``linux/amd64``; empty: no engine answers."""
    error: str
    """What is said instead."""
    missing: tuple[str, ...]
    """Programs that it lacks."""
    zstd: bool
    cache: PurePosixPath
    """Where its user keeps what can be made again."""
    compose: str
    platforms: frozenset[str]
    """What its buildx builds for, by emulation too; empty: it has no buildx."""
    in_containerd: bool
    """Whether its images are kept by containerd: under other ids, and never in part."""
    chains: frozenset[Chain]
    """The layers that its images have."""


def read_engine(text: str) -> Engine:
    """What the script ``know-engine`` printed."""
    said: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, _, value = line.partition("=")
        said.setdefault(key, []).append(value)
    layers = [json.loads(value) or [] for value in said.get("layers", ())]

    def one(key: str) -> str:
        return said.get(key, [""])[-1].strip()

    built = (name.strip().rstrip("*") for name in one("platforms").split(","))
    return Engine(
        platform=one("platform"),
        error=one("error"),
        missing=tuple(said.get("missing", ())),
        zstd=bool(one("zstd")),
        cache=PurePosixPath(one("cache") or "/tmp"),  # noqa: S108 # a host that cannot write
        compose=one("compose"),
        platforms=frozenset(filter(None, built)),
        in_containerd=bool(one("containerd")),
        chains=frozenset(tuple(each[: at + 1]) for each in layers for at in range(len(each))),
    )


def why_not(builder: str, there: Engine, server: Engine) -> str:
    """Why a machine cannot build for a server, with what helps; empty: it can."""
    if there.missing:
        return f"{', '.join(there.missing)} is missing there"
    if not there.platform:
        return f"no Docker engine answers there ({there.error or 'it says nothing'})"
    if version(there.compose) < COMPOSE:
        return "docker compose is missing there, or older than 2.20: install its plugin"
    if there.platform == server.platform or server.platform in there.platforms:
        return ""
    architecture = server.platform.partition("/")[2]
    remedy = (
        f"register an emulator ({'on ' + builder if builder != LOCAL else 'here'}: docker run"
        f" --privileged --rm tonistiigi/binfmt --install {architecture})"
        if there.platforms
        else "install its buildx and an emulator"
    )
    return (
        f"it is {there.platform} and the server is {server.platform}: {remedy},"
        f" or let the server build: builder = {ITSELF}"
    )


@dataclass(frozen=True)
class Saved:
    """An image as ``docker save`` lays it out."""

    config: str
    """Where its configuration stands."""
    layers: tuple[str, ...]
    """Where its layers do, the lowest first."""

    def lacking(self, digests: Sequence[str], known: Collection[Chain]) -> list[str]:
        """The layers that a machine lacks which has those chains."""
        return [
            name for at, name in enumerate(self.layers) if tuple(digests[: at + 1]) not in known
        ]

    def parts(self, layers: Iterable[str]) -> list[str]:
        """The files that make these layers known, each once."""
        return ["manifest.json", self.config, *dict.fromkeys(layers)]


def read_saved(text: str) -> Saved:
    """The one image of a ``manifest.json``; ValueError: it is none."""
    try:
        (entry,) = json.loads(text)
        return Saved(str(entry["Config"]), tuple(map(str, entry["Layers"])))
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"not the list of one image: {error}") from None


@dataclass(frozen=True)
class Image:
    """An image that an engine has."""

    id: str
    platform: str
    digests: Chain


def read_image(text: str) -> Image | None:
    """What the engine says of an image, as JSON; None: there is none."""
    lines = text.splitlines()
    if not lines:
        return None
    found = json.loads(lines[-1])
    platform = f"{found['Os']}/{found['Architecture']}"
    layers = found.get("RootFS", {}).get("Layers") or []
    return Image(found["Id"], platform, tuple(layers))
