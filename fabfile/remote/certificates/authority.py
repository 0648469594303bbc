"""The private authority on a called server, and the certificates that it signs there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...model.certificates.authority import (
    AUTHORITY_DAYS,
    LEAF_DAYS,
    Due,
    alternatives,
    constraints,
)
from ..host import Host
from .certificates import Source

SCRIPT = Path(__file__).with_name("authority.sh").read_text(encoding="utf-8")


def source(host: Host) -> Source:
    """Where the certificates that it signed stand."""
    folder = host.server.root / "authority"
    return Source(folder / "live", folder / "archive")


def certificate(host: Host) -> str:
    """The authority's own certificate; empty when there is none."""
    words = ["openssl", "x509", "-in", str(host.server.root / "authority" / "authority.pem")]
    return host.read(words, check=False).stdout.strip()


def make(host: Host, names: Sequence[str], due: Due) -> None:
    """Make what is due: the authority, and a certificate for these domains and addresses."""
    words = [str(host.server.root / "authority"), host.name, "new" if due.authority else "kept"]
    words += [constraints(names), str(AUTHORITY_DAYS), alternatives(names), str(LEAF_DAYS)]
    host.write(["bash", "-c", SCRIPT, "authority", *words])
