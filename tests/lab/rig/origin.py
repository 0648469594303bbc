"""The git remote of the lab: a bare repository from which the servers really fetch."""

from __future__ import annotations

from pathlib import Path

from .docker import LabError, last_line, run
from .output import say
from .place import Place


def repository(place: Place) -> Path:
    return place.folder / "origin.git"


def create(place: Place) -> None:
    """Make the empty repository, once."""
    if not (repository(place) / "HEAD").exists():
        git("init", "-q", "--bare", "-b", "main", repository(place))


def publish(place: Place, ref: str) -> str:
    """Push ``ref`` of the checkout to the remote's main branch; returns the commit.

    Uncommitted changes stay where they are, with a line that says so.
    """
    words = ("-C", place.root)
    commit = git(*words, "rev-parse", "--verify", "-q", f"{ref}^{{commit}}").strip()
    git(*words, "push", "-q", "--force", repository(place), f"{commit}:refs/heads/main")
    changed = git(*words, "status", "--porcelain").splitlines()
    if changed:
        say(f"{len(changed)} uncommitted changes are not published, first: {changed[0][3:]}")
    return commit


def git(*words: str | Path) -> str:
    done = run(["git", *words])
    if done.returncode:
        raise LabError(f"git {words[0]} failed: {last_line(done.stderr or done.stdout)}")
    return done.stdout
