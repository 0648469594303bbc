"""Connections: pinned host keys, one key per server, no agent, no prompt; errors in one line."""

from __future__ import annotations

import logging
import socket
from typing import Any

from fabric import Config, Connection
from invoke import Context
from paramiko import (
    AuthenticationException,
    BadHostKeyException,
    Channel,
    HostKeys,
    RejectPolicy,
    SSHException,
    Transport,
)
from paramiko.hostkeys import InvalidHostKey
from paramiko.ssh_exception import NoValidConnectionsError

from ...model.access.yours import to_be_set
from ...model.errors import REFUSED, Trouble, Unwelcome, refused
from ...model.inventory import Server
from ..host import Host
from .keys import key_problem
from .sessions import session_of

# Its threads would print tracebacks of what is raised here and told in one line.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

CONNECT = 10
"""Seconds to reach a server."""
AUTHENTICATE = 30
"""Seconds in which it must say whether it takes the key; it may have to ask a directory."""
CHANNEL = 30
"""Seconds within which the server must take a command."""
KEEPALIVE = 30
"""Seconds between two signs of life on an idle connection."""


PATCHWORK = "pip install --no-deps -r requirements-patchwork.txt"
"""Its metadata refuses fabric 3, so no package can name it as what it needs."""


def connect(server: Server) -> Host:
    """Open the server's one connection; exit code 2 with the cause and the remedy otherwise."""
    if server.connection == "local":
        return Host(server, Context())
    _require_pinned(server)
    problem = key_problem(server.key)
    if problem:
        raise refused(f"{server.name}: {problem}")
    connection = Bounded(
        host=server.host,
        user=server.user,
        port=server.port,
        connect_timeout=CONNECT,
        forward_agent=False,
        config=Config(overrides={"load_ssh_configs": False}, lazy=True),
        connect_kwargs={
            "key_filename": str(server.key),
            "allow_agent": False,
            "look_for_keys": False,
            "banner_timeout": CONNECT,
            "auth_timeout": AUTHENTICATE,
        },
    )
    connection.client.load_system_host_keys(str(server.known_hosts))
    connection.client.set_missing_host_key_policy(RejectPolicy())
    try:
        connection.open()
    except (SSHException, OSError, EOFError) as error:
        connection.close()
        raise _translated(server, error) from None
    return Host(server, connection)


def _require_pinned(server: Server) -> None:
    """Exit code 2 where no host key of the server is pinned, or where that cannot be read.

    Nobody has worked with such a server from here yet: what must be set first is listed.
    """
    pinned = HostKeys()
    try:
        if server.known_hosts.exists():
            pinned.load(str(server.known_hosts))
    except InvalidHostKey as error:
        raise refused(
            f"{server.name}: {server.known_hosts} has a line that is no host key: {error.line[:60]}"
        ) from None
    except (OSError, ValueError) as error:
        raise refused(f"{server.name}: {server.known_hosts} cannot be read: {error}") from None
    if pinned.lookup(_known_as(server)) is None:
        where = f"{server.host}:{server.port}" if server.port != 22 else server.host
        raise refused(
            f"{server.name}: no host key of {where} is pinned; compare the fingerprint of"
            f" ssh-keyscan -p {server.port} {server.host} with the server's console,"
            f" then add the line to {server.known_hosts}",
            to_be_set(server),
        )


def _known_as(server: Server) -> str:
    return server.host if server.port == 22 else f"[{server.host}]:{server.port}"


class Bounded(Connection):
    """A connection that waits for nothing longer than it must, also once it was opened anew."""

    def create_session(self) -> Channel:
        """A session for one command."""
        self.open()
        return session_of(self.transport)

    def open(self) -> Any:
        """Open it, unless it is open."""
        opened = super().open()
        bound(self.transport)
        return opened


def bound(transport: Transport) -> None:
    """Let nothing wait for a server that is gone."""
    transport.set_keepalive(KEEPALIVE)
    # Else a command that begins after the network was cut waits an hour for its channel.
    transport.channel_timeout = CHANNEL


def _translated(server: Server, error: Exception) -> Trouble:
    where = f"{server.host}:{server.port}" if server.port != 22 else server.host
    if isinstance(error, BadHostKeyException):
        return refused(
            f"{server.name}: the host key of {where} is not the pinned one; if the server was"
            f" really reinstalled: ssh-keygen -R '{_known_as(server)}' -f {server.known_hosts},"
            " then pin the new key"
        )
    if isinstance(error, AuthenticationException) and "timeout" in str(error).lower():
        return refused(
            f"{server.name}: {where} did not say within {AUTHENTICATE} s whether it takes the key"
            f" of user {server.user}; does it ask a slow directory? Its sshd's log says"
        )
    if isinstance(error, AuthenticationException):
        return Unwelcome(
            f"{server.name}: {where} refuses key {server.key} for user {server.user}; wrong user or"
            f" key: ssh-copy-id -i {server.key}.pub -p {server.port} {server.user}@{server.host}",
            code=REFUSED,
        )
    if isinstance(error, socket.gaierror):
        return refused(f"{server.name}: host name {server.host} does not resolve; check hosts.ini")
    if isinstance(error, (TimeoutError, NoValidConnectionsError, OSError, EOFError)):
        return refused(f"{server.name}: {where} does not answer ({_plain(error)}); is the host up?")
    return refused(
        f"{server.name}: {where} does not answer in SSH, although it takes the connection"
        f" ({_plain(error)}); does the host hang?"
    )


def _plain(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no connection within {CONNECT} s"
    if isinstance(error, NoValidConnectionsError):
        return "connection refused"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def missing_programs(host: Host, names: tuple[str, ...]) -> list[str]:
    """Which of these programs the server lacks, in one round trip (``which`` takes several)."""
    try:
        from patchwork.environment import have_program
    except ImportError:
        raise refused(f"patchwork is not installed here: {PATCHWORK}") from None
    found = have_program(_Quiet(host), " ".join(names)).stdout.split()
    present = {path.rpartition("/")[2] for path in found}
    return [name for name in names if name not in present]


class _Quiet:
    """What patchwork calls ``c``: a runner that goes through the host adapter."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def run(self, command: str, **_: object) -> object:
        return self._host.read(command.split(), check=False)
