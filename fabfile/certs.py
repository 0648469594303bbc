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


ns = Collection("ssl", status_task)
