"""What git hands over to a build or a mount, and what it does not: that is named, never built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from ..commit import Commit
from ..stack import Stack
from .content import Tree, Wanted, files_below, inside, mounted_paths

STRAYS = frozenset({".env", "node_modules"})
"""Names that have no business in a build context."""
SUBMODULE = "160000"
LINK = "120000"


def context_problems(images: Mapping[str, Wanted], tree: Tree) -> list[str]:
    """What keeps strays out of an image: a ``.dockerignore``; no ``.env``, no ``node_modules``."""
    problems = []
    for context in sorted({wanted.context for wanted in images.values() if wanted.build}):
        prefix = f"{context}/" if context else ""
        if f"{prefix}.dockerignore" not in tree:
            problems.append(f"build context {context or '.'} has no .dockerignore; add one")
        for path in sorted(tree):
            parts = PurePosixPath(path.removeprefix(prefix)).parts
            if path.startswith(prefix) and parts[-1] in STRAYS:
                problems.append(f"build context {context or '.'} holds {path}: git rm --cached it")
    return problems


def not_handed_over(stack: Stack, commit: Commit, checkout: PurePosixPath) -> list[str]:
    """What the stack takes from the repository and git keeps elsewhere, or points elsewhere."""
    found: list[str] = []
    for what, path in dict.fromkeys(_taken(stack, checkout)):
        found += [f"{what} {path or '.'}: {why}" for why in _gaps(path, commit)]
    return found


def _taken(stack: Stack, checkout: PurePosixPath) -> Iterator[tuple[str, str]]:
    """Every path of the repository that becomes part of something, and as what."""
    for service in stack.services:
        if build := service.build:
            paths = [build.context, build.dockerfile, *(value for _, value in build.contexts)]
            for path in paths:
                relative = inside(path, checkout) if path.startswith("/") else None
                if relative is not None:
                    yield "build context", relative
        for path in mounted_paths(service, checkout):
            yield f"{service.name} mounts", path
        for read in service.reads:
            relative = inside(read.value, checkout) if read.kind == "file" else None
            if relative is not None:
                yield f"{service.name} reads", relative


def _gaps(path: str, commit: Commit) -> Iterator[str]:
    tree = commit.tree
    above = [str(one) for one in (PurePosixPath(path), *PurePosixPath(path).parents)]
    for one in above:
        mode, _ = tree.get(one, ("", ""))
        if mode == LINK:
            yield f"{one} is a link; name what it points to"
        if mode == SUBMODULE and one != path:
            yield f"{one} is a submodule, which no deploy fetches; put its files here"
    for name, mode, _ in files_below(tree, path):
        if mode == SUBMODULE:
            yield f"{name} is a submodule, which no deploy fetches; put its files here"
    prefix = f"{path}/" if path else ""
    for name in commit.filtered:
        if name == path or name.startswith(prefix):
            yield f"{name} is kept elsewhere by a filter (LFS); put it into git itself"
