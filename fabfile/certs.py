"""The tasks of certificates. The module is not called ssl: that name is Python's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from invoke import Collection

from .command import command
from .options import CERTIFICATE, FORCE, GROUP, JSON, KEY, QUIET, SERVER

if TYPE_CHECKING:
    from .ops.session import Session


@command(GROUP, JSON)
def status_task(session: Session, group: str, json: bool) -> None:
    """Show every server's certificate, on disk and served; exit 1 under 14 days or when wrong.

    Example: fab ssl.status --group eu
    """
    from .ops.certificates import certificates

    certificates.status(session, group, as_json=json)


@command(CERTIFICATE, KEY, SERVER, journal="ssl.install")
def install_task(session: Session, certificate: str, key: str, server: str) -> None:
    """Give a server your own certificate: checked first, loaded, and proved by what is served.

    Exit codes: 0 served; 1 not served, and the former one is back; 2 it cannot be used, nothing
    was changed; 3 the former one is not back either: a person is needed.

    Example: fab ssl.install --certificate chain.pem --key key.pem
    """
    from .ops.certificates import certificates

    certificates.install(session, server, certificate, key)


@command(SERVER, journal="ssl.issue")
def issue_task(session: Session, server: str) -> None:
    """Get a certificate for the server's domains from its authority, load it, prove it is served.

    Exit codes: 0 served; 1 none was given, or it is not served: the former one is; 2 not tried;
    3 a person is needed.

    Example: fab ssl.issue --server ubuntu
    """
    from .ops.certificates import issuing

    issuing.issue(session, server)


@command(SERVER, FORCE, QUIET, journal="ssl.renew")
def renew_task(session: Session, server: str, force: bool, quiet: bool) -> None:
    """Renew the certificates that are due, and serve what was renewed without us; for cron.

    Exit codes: 0 nothing is due or all is served; 1 not renewed, the former one is served; 2 not
    tried; 3 a person is needed.

    Example: fab ssl.renew --server ubuntu
    """
    from .ops.certificates import issuing

    issuing.renew(session, server, force=force, quiet=quiet)


@command(SERVER, journal="ssl.internal")
def internal_task(session: Session, server: str) -> None:
    """Let a called server serve a certificate of a private authority that its callers trust.

    Exit codes: 0 served and the link proved; 1 failed, all is as before; 2 not tried; 3 a person
    is needed.

    Example: fab ssl.internal --server montreal
    """
    from .ops.certificates import internal

    internal.secure(session, server)


ns = Collection("ssl", status_task, install_task, issue_task, renew_task, internal_task)
ns.__doc__ = "Certificates"
