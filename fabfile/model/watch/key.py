"""The operator's private SSH key: of which kind it is, and who may read it."""

from __future__ import annotations

from dataclasses import dataclass

from ..inventory import Server

SHORT_RSA = 2048
"""Bits of an RSA key that cannot be broken yet."""


@dataclass(frozen=True)
class Kind:
    """What a private key is."""

    name: str
    """``ssh-ed25519``."""
    bits: int
    mode: int
    """Of its file."""


def key_warnings(server: Server, kind: Kind) -> list[str]:
    """What to say of a key that works, and should be another one, or closed."""
    found = []
    if kind.mode & 0o077:
        found.append(f"others can read {server.key} (mode {kind.mode:o}): chmod 600 {server.key}")
    if "rsa" in kind.name and kind.bits < SHORT_RSA:
        found.append(
            f"{server.key} is RSA of {kind.bits} bits, which can be broken: ssh-keygen -t ed25519"
            f" -f NEW, then ssh-copy-id -i NEW.pub {server.user}@{server.host}"
        )
    return found
