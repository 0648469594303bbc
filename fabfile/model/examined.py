"""Examined: what ``fab doctor`` asks of a server besides what every look asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from .framing import fields, rows

DEFAULT_MTU = 1500
"""Bytes of a packet in a network of the engine that says nothing else."""


@dataclass(frozen=True)
class Inodes:
    """How many files a file system can hold, and how many more."""

    mount: str
    total: int
    free: int


@dataclass(frozen=True)
class Examined:
    """The answers of ``remote/examine.sh``. What nobody could say is empty or None."""

    shell: str
    """The login shell of the user who logs in."""
    sessions: int | None
    """``MaxSessions`` of the server's sshd."""
    socket: str
    """Octal mode of the engine's socket."""
    security: tuple[str, ...]
    """Security options of the engine: ``name=rootless``, ``name=userns``."""
    live_restore: bool | None
    """Whether containers run on while the engine itself is restarted."""
    memory: int | None
    """Bytes of memory that the server has."""
    inodes: tuple[Inodes, ...]
    device: str
    """The network device that leads to the internet."""
    mtu: int | None
    """Bytes of the largest packet that it takes."""
    networks: Mapping[str, int]
    """Bridge network of the engine → bytes of the largest packet that it sends."""
    made: Mapping[str, int]
    """Id of an image that runs → when it was made, seconds since 1970."""
    kept: Mapping[str, str]
    """Release that an ``.env`` is kept with → octal mode of that file."""


def parse_examined(sections: Mapping[str, str]) -> Examined:
    """Read the sections of ``remote/examine.sh``; ValueError when they are none, or not whole."""
    lines = sections["examined"].split("\n")
    said = dict(line.split("=", 1) for line in lines if "=" in line)
    security, _, live = sections["kind"].strip().rpartition(" ")
    return Examined(
        shell=said.get("shell", ""),
        sessions=_number(said.get("sessions", "")),
        socket=said.get("socket", ""),
        security=tuple(security.strip("[]").split()),
        live_restore={"true": True, "false": False}.get(live),
        memory=kib << 10 if (kib := _number(said.get("memory", ""))) is not None else None,
        inodes=_inodes(sections["inodes"]),
        device=said.get("device", ""),
        mtu=_number(said.get("mtu", "")),
        networks={
            name: _number(mtu) or DEFAULT_MTU for name, mtu in rows(sections["network_mtu"], 2)
        },
        made={image: _instant(made) for image, made in rows(sections["made"], 2)},
        kept={release: mode.strip() for release, mode in fields(sections["kept"], 2)},
    )


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def _inodes(text: str) -> tuple[Inodes, ...]:
    """Lines of ``df -Pi``; a file system that counts none says 0 or ``-``."""
    found: dict[str, Inodes] = {}
    for line in filter(None, text.split("\n")):
        _, total, _, free, _, mount = line.split(None, 5)
        if _number(total) and (left := _number(free)) is not None:
            found.setdefault(mount, Inodes(mount, int(total), left))
    return tuple(found.values())


def _instant(text: str) -> int:
    """Docker's own form of a time; its fractions have as many digits as they need."""
    return int(datetime.fromisoformat(f"{text[:19]}+00:00").timestamp())
