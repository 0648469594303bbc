"""Names by content: what an image or mounted configuration is made of decides its name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ..errors import refused
from ..stack import Build, Read, Service, Stack

Tree = Mapping[str, tuple[str, str]]
LABEL = "me.wishwith.content"
"""Label of the images that this collection built; its value is their content tag."""


@dataclass(frozen=True)
class Wanted:
    """The image that a service should run."""

    service: str
    reference: str
    """``NAME:TAG``; the tag of a built image is the digest of its content."""
    stable: str
    """The name in the compose file, which the cut-over moves to ``reference``."""
    build: Build | None
    context: str = ""
    """Build context, relative to the repository."""


def wanted_images(stack: Stack, tree: Tree, checkout: PurePosixPath) -> dict[str, Wanted]:
    """The image of every service. Twins come out with the same reference."""
    return {service.name: _wanted(service, stack, tree, checkout) for service in stack.services}


def _wanted(service: Service, stack: Stack, tree: Tree, checkout: PurePosixPath) -> Wanted:
    build = service.build
    if build is None:
        return Wanted(service.name, service.image, service.image, None)
    where = f"service {service.name}"
    context = inside(build.context, checkout)
    dockerfile = inside(build.dockerfile, checkout) if build.dockerfile else ""
    if context is None or dockerfile is None:
        raise refused(f"{where}: its build context lies outside the repository")
    if not files_below(tree, context):
        raise refused(f"{where}: the commit has no build context '{context}'")
    if dockerfile and dockerfile not in tree:
        raise refused(f"{where}: the commit has no '{dockerfile}'")
    content: list[object] = [
        digest_of(tree, [context]),
        tree[dockerfile][1] if dockerfile else "",
        dockerfile,
        build.args,
        build.target,
    ]
    if f"{dockerfile}.dockerignore" in tree:
        content.append(tree[f"{dockerfile}.dockerignore"][1])
    for name, value in build.contexts:
        content.append([name, _other_context(where, value, stack, tree, checkout)])
    if build.rest:
        content.append(build.rest)
    reference = f"{service.repository}:{digest(content)[:16]}"
    return Wanted(service.name, reference, service.image, build, context)


def passed_name(wanted: Wanted, smoke: Sequence[str]) -> str:
    """The second name of an image that started with these words: it is there only where it did."""
    return f"{wanted.reference}-passed-{digest(list(smoke))[:8]}"


def _other_context(
    where: str, value: str, stack: Stack, tree: Tree, checkout: PurePosixPath
) -> str:
    """What an additional build context is made of."""
    kind, colon, name = value.partition(":")
    if colon and kind == "service":
        return _wanted(stack.service(name), stack, tree, checkout).reference
    if not value.startswith("/"):
        return value
    path = inside(value, checkout)
    if path is None:
        raise refused(f"{where}: its build context '{value}' lies outside the repository")
    if not files_below(tree, path):
        raise refused(f"{where}: the commit has no build context '{path}'")
    return digest_of(tree, [path])


def beside(
    stack: Stack, tree: Tree, checkout: PurePosixPath, effective: Mapping[str, str]
) -> dict[str, str]:
    """Per service, what it reads that no digest of compose's covers; holds secrets.

    ``effective``: what compose reads in ``.env``, per key.
    """

    def text(read: Read) -> str:
        if read.kind == "environment":
            return effective.get(read.value, "")
        path = inside(read.value, checkout) if read.kind == "file" else None
        return read.value if path is None else digest_of(tree, [path])

    return {
        service.name: json.dumps([[read.kind, text(read)] for read in service.reads])
        for service in stack.services
        if service.reads
    }


def named(definition: Any, wanted: Wanted) -> Any:
    """A service's definition whose image is called by its content, and labelled so if built."""
    found = {**definition, "image": wanted.reference}
    if wanted.build:
        labels = {**found["build"].get("labels", {}), LABEL: wanted.reference.rpartition(":")[2]}
        found["build"] = {**found["build"], "labels": labels}
    return found


def moved(model: Any, checkout: PurePosixPath, folder: PurePosixPath, tree: Tree) -> Any:
    """A resolved stack that reads what the commit has in ``folder`` instead of the checkout."""
    if isinstance(model, dict):
        return {key: moved(one, checkout, folder, tree) for key, one in model.items()}
    if isinstance(model, list):
        return [moved(one, checkout, folder, tree) for one in model]
    path = inside(model, checkout) if isinstance(model, str) else None
    return model if path is None or (path and path not in tree) else str(folder / path)


def mounted_paths(service: Service, checkout: PurePosixPath) -> tuple[str, ...]:
    """The files and folders of the repository that a service mounts, relative to it."""
    paths = (inside(mount.source, checkout) for mount in service.mounts if mount.kind == "bind")
    return tuple(sorted(path for path in paths if path is not None))


def configuration(stack: Stack, tree: Tree, checkout: PurePosixPath) -> dict[str, str]:
    """Per service, the digest of the files of the repository that it mounts."""
    found = {service.name: mounted_paths(service, checkout) for service in stack.services}
    return {name: digest_of(tree, paths)[:16] for name, paths in found.items() if paths}


def inside(path: str, checkout: PurePosixPath) -> str | None:
    """``path`` relative to the checkout; None when it lies elsewhere."""
    try:
        relative = str(PurePosixPath(path).relative_to(checkout))
    except ValueError:
        return None
    return "" if relative == "." else relative


def files_below(tree: Tree, path: str) -> list[tuple[str, str, str]]:
    """(path, mode, object) of ``path`` itself when it is a file, else of every file below it."""
    prefix = f"{path}/" if path else ""
    return sorted(
        (name, mode, identity)
        for name, (mode, identity) in tree.items()
        if mode != "040000" and (name == path or name.startswith(prefix))
    )


def digest_of(tree: Tree, paths: list[str] | tuple[str, ...]) -> str:
    """One digest of all files at or below ``paths``: names, modes and contents."""
    return digest([[path, files_below(tree, path)] for path in paths])


def digest(value: object) -> str:
    """SHA-256 of a value's canonical JSON."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
