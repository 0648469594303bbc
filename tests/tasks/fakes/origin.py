"""The repository that the simulated servers fetch from: a line of commits and their trees."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from . import application


@dataclass(frozen=True)
class Commit:
    """One commit: its whole tree, and what it changed."""

    id: str
    subject: str
    files: Mapping[str, str]
    changed: tuple[str, ...]
    before: Commit | None
    """What it was made on."""


class Origin:
    """A bare repository with one branch, ``main``."""

    def __init__(self) -> None:
        self.commits: list[Commit] = []
        self.reachable = True
        self.registry: dict[str, tuple[str, dict[str, str]]] = {}
        """What a registry of one's own holds: name → id and content of an image."""
        self.commit("First", application.FILES)

    @property
    def tip(self) -> Commit:
        """What the branch points at."""
        return self.commits[-1]

    def commit(
        self, subject: str, changes: Mapping[str, str | None] | None = None, *, on: str = ""
    ) -> str:
        """Change files (None: remove) in a new commit, which is the branch then; returns its id.

        ``on``: the commit that it is made on; empty: the branch's.
        """
        before = (self.find(on) if on else self.tip) if self.commits else None
        files = dict(before.files) if before else {}
        for path, text in (changes or {}).items():
            if text is None:
                del files[path]
            else:
                files[path] = text
        number = len(self.commits) + 1
        identity = f"{number:08d}".ljust(40, "0")
        made = Commit(identity, subject, files, tuple(changes or {}), before)
        self.commits.append(made)
        return made.id

    def find(self, ref: str) -> Commit | None:
        """The commit of a branch name or (the start of) an id."""
        if ref == "main":
            return self.tip
        return next((commit for commit in self.commits if ref and commit.id.startswith(ref)), None)

    def history(self, commit: Commit) -> list[Commit]:
        """The commit and those before it, newest first."""
        return [commit, *(self.history(commit.before) if commit.before else [])]


def blob(text: str) -> str:
    """The identity of a file's content."""
    return hashlib.sha1(text.encode()).hexdigest()


def tree_lines(commit: Commit) -> list[str]:
    """``git ls-tree -rt``: files and folders."""
    folders = {
        str(parent)
        for path in commit.files
        for parent in PurePosixPath(path).parents
        if str(parent) != "."
    }
    lines = {folder: f"040000 tree {blob(folder)}\t{folder}" for folder in folders}
    lines |= {path: f"100644 blob {blob(text)}\t{path}" for path, text in commit.files.items()}
    return [lines[path] for path in sorted(lines)]
