"""What a look saw of the wanted commit: its files, its log, and what compose makes of its stack."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from .framing import fields
from .reading import load

LOCAL = "@local:"
"""Before a ref: look it up on the server itself, without asking its repository."""
OBJECT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
"""The whole id of a commit."""
FAULTS = ("unknown", "ambiguous", "error")


@dataclass(frozen=True)
class Change:
    """One commit of the log and the files that it changed."""

    commit: str
    subject: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Commit:
    """The wanted commit, as the remote has it. Empty ``id`` with ``fault``: it cannot be had."""

    id: str
    subject: str
    fault: str
    """Why it cannot: ``unknown``, ``ambiguous`` or ``error``; empty when it can."""
    error: str
    """What was asked for that is unknown; the commits that an ambiguous name means; git's words."""
    tree: Mapping[str, tuple[str, str]]
    """Path → (mode, git object id), folders included."""
    example: str
    """The text of ``.env.example``."""
    log: tuple[Change, ...]
    """The commit and those before it, newest first; at most 200."""
    resolved: str = field(repr=False)
    hashes: str
    effective: Mapping[str, str] = field(repr=False)
    """What compose reads in ``.env``, per key."""
    filtered: tuple[str, ...] = ()
    """Files that git keeps elsewhere: a filter (LFS) is to fill them in."""
    blocked: tuple[str, ...] = ()
    """Folders where its files go that the server's user cannot write to."""
    contains_head: bool = False
    """Whether what the checkout stands on is this commit or one before it, however far back."""
    author: str = ""
    """Who made it."""
    unset: tuple[str, ...] = ()
    """The variables that its stack reads, and that have neither a value nor a default."""

    @property
    def bare(self) -> bool:
        """Whether it says of no setting that a server must have it."""
        return bool(self.id) and not self.example

    def since(self, base: str) -> tuple[Change, ...] | None:
        """The changes after the commit ``base``; None when it is not among those known."""
        for index, change in enumerate(self.log):
            if change.commit == base:
                return self.log[:index]
        return None


def parse_commit(sections: Mapping[str, str], ref: str) -> Commit:
    """Read the sections of ``remote/commit.sh``; ValueError when they are none, or not whole.

    Our own words come first, those of others last. ``ref``: what was asked for.
    """
    fault, _, said = sections["commit"].strip("\n").partition(" ")
    if fault in FAULTS:
        return Commit("", "", fault, " ".join(said.split()), {}, "", (), "", "", {})
    asked = ref.removeprefix(LOCAL).lower()
    if fault != "commit" or not OBJECT.fullmatch(said):
        raise ValueError("the look at the server has neither a commit nor a reason")
    if OBJECT.fullmatch(asked) and said != asked:
        raise ValueError(f"asked for commit {asked}, git answers with {said}")
    log = _log(sections["log"])
    if not log or log[0].commit != said:
        raise ValueError(f"the log of commit {said} begins with another one")
    return Commit(
        id=said,
        subject=log[0].subject,
        fault="",
        error="",
        tree=_tree(sections["tree"]),
        example=sections["example"],
        log=log,
        resolved=sections["resolved"],
        hashes=sections["hashes"],
        effective=effective(sections["effective"]),
        filtered=tuple(path for (path,) in fields(sections["filtered"], 1)),
        blocked=tuple(path for (path,) in fields(sections["blocked"], 1)),
        contains_head=bool(sections["contains"]),
        author=" ".join(sections["author"].split()),
        unset=tuple(sections["unset"].split()),
    )


def _tree(text: str) -> dict[str, tuple[str, str]]:
    tree: dict[str, tuple[str, str]] = {}
    for (entry,) in fields(text, 1):
        meta, _, path = entry.partition("\t")
        mode, _, identity = meta.split(" ")
        if path in tree:
            # Bytes that are not UTF-8 come as one and the same sign.
            raise ValueError(f"the commit has several files whose names read '{path}'")
        tree[path] = (mode, identity)
    return tree


def _log(text: str) -> tuple[Change, ...]:
    """Per commit an empty field, its id, its subject, and its paths, none of which is empty."""
    *parts, _ = text.split("\0")
    changes: list[Change] = []
    at = 0
    while at < len(parts):
        if parts[at] or len(parts) < at + 3:
            raise ValueError("the log of the commit has another form")
        identity, subject = parts[at + 1 : at + 3]
        at += 3
        first = at
        while at < len(parts) and parts[at]:
            at += 1
        paths = [
            path.removeprefix("\n") if n == 0 else path for n, path in enumerate(parts[first:at])
        ]
        changes.append(Change(identity, subject, tuple(paths)))
    return tuple(changes)


def effective(text: str) -> dict[str, str]:
    """Compose doubles every ``$`` when it prints a configuration."""
    try:
        environment = load(text)["services"]["reading"]["environment"]
        return {key: (value or "").replace("$$", "$") for key, value in environment.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
