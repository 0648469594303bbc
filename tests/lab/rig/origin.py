"""The git remote of the lab: a bare repository from which the servers really fetch."""

from __future__ import annotations

from pathlib import Path

from .docker import LabError, last_line, run
from .output import say
from .place import Place


def repository(place: Place) -> Path:
    """Where the bare repository stands on this machine; tests push into it by this path."""
    return place.folder / "origin.git"


def create(place: Place) -> None:
    """Make the empty repository, once."""
    if not (repository(place) / "HEAD").exists():
        git("init", "-q", "--bare", "-b", "main", repository(place), at=place.folder)


def publish(place: Place, ref: str) -> str:
    """Push ``ref`` of the checkout to the remote's main branch; returns the commit.

    Uncommitted changes stay where they are, with a line that says so.
    """
    try:
        commit = git("rev-parse", "--verify", f"{ref}^{{commit}}", at=place.root).strip()
    except LabError:
        raise LabError(f"{ref} names no commit of this checkout") from None
    git("push", "-q", "--force", repository(place), f"{commit}:refs/heads/main", at=place.root)
    changed = git("status", "--porcelain", at=place.root).splitlines()
    if changed:
        say(f"{len(changed)} uncommitted changes are not published, first: {changed[0][3:]}")
    return commit


def git(*words: str | Path, at: Path) -> str:
    """Run git in a repository and return its output; LabError when it fails."""
    done = run(["git", "-C", at, *words])
    if done.returncode:
        raise LabError(f"git {words[0]} failed: {last_line(done.stderr or done.stdout)}")
    return done.stdout
