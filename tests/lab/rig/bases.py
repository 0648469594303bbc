"""Which base images the stacks need: read from the compose files and Dockerfiles themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

ARG = re.compile(r"^\s*ARG\s+(\w+)=(\S+)", re.MULTILINE | re.IGNORECASE)
FROM = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", re.MULTILINE | re.IGNORECASE)
COPY_FROM = re.compile(r"^\s*COPY\s+(?:--\S+\s+)*?--from=(\S+)", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, order=True)
class Image:
    """An image as a stack names it, on Docker Hub."""

    name: str
    """``nginx`` or ``owner/name``."""
    tag: str

    @property
    def path(self) -> str:
        """Its repository in a registry, where official images stand under ``library/``."""
        return self.name if "/" in self.name else f"library/{self.name}"

    def __str__(self) -> str:
        return f"{self.name}:{self.tag}"


def needed(root: Path) -> list[Image]:
    """Every image that the checkout's stacks pull; those of other registries are left out."""
    names: set[str] = set()
    for dockerfile in root.glob("services/*/Dockerfile"):
        names.update(_of_dockerfile(dockerfile.read_text()))
    for compose in root.glob("compose/*.yml"):
        names.update(_of_compose(compose.read_text()))
    return sorted(image for name in names if (image := parse(name)))


def parse(name: str) -> Image | None:
    """Read an image's name; None when it does not come from Docker Hub."""
    first = name.partition("/")[0]
    if "/" in name and ("." in first or ":" in first or first == "localhost"):
        return None
    repository, _, tag = name.partition("@")[0].partition(":")
    return Image(repository, tag or "latest")


def _of_dockerfile(text: str) -> Iterator[str]:
    arguments = dict(ARG.findall(text))
    stages = {"scratch"}
    for name, stage in FROM.findall(text):
        expanded = re.sub(r"\$\{?(\w+)\}?", lambda m: arguments.get(m[1], m[0]), name)
        if expanded not in stages:
            yield expanded
        stages.add(stage)
    for source in COPY_FROM.findall(text):
        if source not in stages and not source.isdigit():
            yield source


def _of_compose(text: str) -> Iterator[str]:
    for service in ((yaml.safe_load(text) or {}).get("services") or {}).values():
        if "build" not in service and "image" in service:
            yield service["image"]
