"""What makes a host a server: steps, each with its reason, and what a person should know."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One change of the host."""

    name: str
    """That of its function in ``remote/access/bootstrap.sh``."""
    title: str
    reason: str
    words: tuple[str, ...] = ()
    """What the function is given."""
    stdin: str = ""
    proved: bool = False
    """Whether it could lock out who does it: it is undone unless a new login is proved."""


@dataclass(frozen=True)
class Setup:
    """What makes a host a server."""

    steps: tuple[Step, ...]
    notes: tuple[str, ...]
    """What a person should know or do."""
    refusals: tuple[str, ...]
    """Why nothing may be done; empty: it may."""
