"""The tasks of certificates. The module is not called ssl: that name is Python's own."""

from __future__ import annotations

from invoke import Collection

from .command import command
from .ops import certificates
from .ops.session import Session


@command("json")
def status_task(session: Session, json: bool = False) -> None:
    """Show every server's certificate, on disk and served; exit 1 under 14 days or when wrong."""
    certificates.status(session, as_json=json)


@command("certificate", "key", "server")
def install_task(session: Session, certificate: str, key: str, server: str = "") -> None:
    """Give a server your own certificate: checked first, loaded, and proved by what is served.

    Exit codes: 0 served; 1 not served, and the former one is back; 2 it cannot be used, nothing
    was changed; 3 the former one is not back either: a person is needed.
    """
    certificates.install(session, server, certificate, key)


ns = Collection("ssl", status_task, install_task)
