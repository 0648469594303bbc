"""Connections: pinned host keys, no key but what hosts.ini names; errors in one line."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fabric import Config, Connection
from invoke import Context
from paramiko import (
    AuthenticationException,
    BadHostKeyException,
    Channel,
    RejectPolicy,
    SSHException,
    Transport,
)
from paramiko.common import OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
from paramiko.ssh_exception import ChannelException, NoValidConnectionsError

from ...model.access.yours import to_be_set
from ...model.errors import Trouble, refused
from ...model.inventory import Server
from ..host import Host
from .hops import Hop, hops
from .keys import agent_problem, key_problem, loaded
from .pins import pinned_keys
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


Ask = Callable[[Path], str]
"""A private key to its passphrase, which a person knows."""


def connect(server: Server, ask: Ask) -> Host:
    """Open the server's one connection; exit code 2 with the cause and the remedy otherwise.

    ``ask``: for a key's passphrase, where ``hosts.ini`` says that a person is asked.
    """
    if server.connection == "local":
        return Host(server, Context())
    way = hops(server)
    for hop in way:
        _require_pinned(hop)
    connection: Bounded | None = None
    for hop in way:
        connection = opened(hop, ask, connection)
    return Host(server, connection)


def opened(hop: Hop, ask: Ask, gateway: Bounded | None) -> Bounded:
    """The connection to one hop, through the one before it."""
    server = hop.server
    passphrase = ask(hop.key) if server.passphrase and not server.agent else ""
    problem = agent_problem() if server.agent else key_problem(hop.key, passphrase)
    if problem:
        raise refused(f"{server.name}: {problem}", about="key")
    key = {} if server.agent else {"pkey": loaded(hop.key, passphrase)}
    connection = Bounded(
        host=hop.host,
        user=hop.user,
        port=hop.port,
        connect_timeout=CONNECT,
        forward_agent=False,
        gateway=gateway,
        # Its own: Fabric writes into it, and for that moment others would find nothing there.
        config=Config(overrides={"load_ssh_configs": False}, lazy=True),
        connect_kwargs={
            **key,
            "allow_agent": server.agent,
            "look_for_keys": False,
            "banner_timeout": CONNECT,
            "auth_timeout": AUTHENTICATE,
        },
    )
    for kind, host_key in pinned_keys(hop).items():
        connection.client.get_host_keys().add(hop.known_as, kind, host_key)
    connection.client.set_missing_host_key_policy(RejectPolicy())
    try:
        connection.open()
    except (SSHException, OSError, EOFError) as error:
        connection.close()
        raise _translated(hop, error) from None
    return connection


def _require_pinned(hop: Hop) -> None:
    """Exit code 2 where no host key of the server is pinned, or where that cannot be read.

    Nobody has worked with such a server from here yet: what must be set first is listed.
    """
    server = hop.server
    if not pinned_keys(hop):
        raise refused(
            f"{server.name}: no host key of {hop.where} is pinned;"
            f" fab hosts.pin {server.name} fetches it, to be compared with the server's console",
            to_be_set(server),
            about="host key",
        )


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

    def close(self) -> None:
        """Close it, and the jump host's behind which it stands."""
        super().close()
        if self.gateway:
            self.gateway.close()


def bound(transport: Transport) -> None:
    """Let nothing wait for a server that is gone."""
    transport.set_keepalive(KEEPALIVE)
    # Else a command that begins after the network was cut waits an hour for its channel.
    transport.channel_timeout = CHANNEL


def _translated(hop: Hop, error: Exception) -> Trouble:
    server, where = hop.server, hop.where
    if isinstance(error, BadHostKeyException):
        return refused(
            f"{server.name}: the host key of {where} is not the pinned one; if the server was"
            f" really reinstalled: ssh-keygen -R '{hop.known_as}' -f {server.known_hosts},"
            f" then fab hosts.pin {server.name}",
            about="host key",
        )
    if why := _no_way(error):
        return refused(f"{server.name}: its gateway does not lead to {where}: {why}")
    if isinstance(error, AuthenticationException) and "timeout" in str(error).lower():
        return refused(
            f"{server.name}: {where} did not say within {AUTHENTICATE} s whether it takes the key"
            f" of user {hop.user}; does it ask a slow directory? Its sshd's log says"
        )
    if isinstance(error, AuthenticationException) and server.agent:
        return hop.unwelcome(
            f"{server.name}: {where} refuses the keys of the ssh-agent for user {hop.user}; wrong"
            " user, or the key is not among them (ssh-add -l), or behind others that it counts"
            " as failed tries"
        )
    if isinstance(error, AuthenticationException):
        return hop.unwelcome(
            f"{server.name}: {where} refuses key {hop.key} for user {hop.user}; wrong user or"
            f" key: ssh-copy-id -i {hop.key}.pub -p {hop.port} {hop.user}@{hop.host}"
        )
    if isinstance(error, socket.gaierror):
        return refused(f"{server.name}: host name {hop.host} does not resolve; check hosts.ini")
    if isinstance(error, (TimeoutError, NoValidConnectionsError, OSError, EOFError)):
        return refused(f"{server.name}: {where} does not answer ({_plain(error)}); is the host up?")
    return refused(
        f"{server.name}: {where} does not answer in SSH, although it takes the connection"
        f" ({_plain(error)}); does the host hang?"
    )


def _no_way(error: Exception) -> str:
    """Why a jump host did not reach the next hop; empty: it was something else."""
    if isinstance(error, ChannelException):
        if error.code == OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED:
            return "its sshd forbids it (AllowTcpForwarding)"
        return "from there nothing answers at that address and port"
    if "opening channel" in str(error):
        return f"from there nothing answers within {CHANNEL} s"
    return ""


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
