"""Host keys: which are pinned, which one a server shows, and how another one is pinned."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fabric import Connection
from paramiko import HostKeys, PKey, SSHException, Transport
from paramiko.hostkeys import InvalidHostKey

from ...model.errors import Trouble, refused
from .hops import Hop

CONNECT = 10
"""Seconds to reach a server, and in which it must show its key."""
FILES = {"ssh-ed25519": "ed25519", "ssh-rsa": "rsa", "ecdsa-sha2-nistp256": "ecdsa"}


@dataclass(frozen=True)
class HostKey:
    """The public key that a server shows."""

    kind: str
    """``ssh-ed25519``."""
    text: str
    """As ``known_hosts`` has it."""
    fingerprint: str
    """``SHA256:…``, as ``ssh-keygen -lf`` shows it."""

    @property
    def told(self) -> str:
        """The command that shows it on the server's own console."""
        name = FILES.get(self.kind, self.kind.partition("-")[0])
        return f"ssh-keygen -lf /etc/ssh/ssh_host_{name}_key.pub"


def pinned(hop: Hop) -> dict[str, HostKey]:
    """Kind → the host key that is pinned; exit code 2 where that cannot be read."""
    return {kind: _host_key(key) for kind, key in pinned_keys(hop).items()}


def pinned_keys(hop: Hop) -> Mapping[str, PKey]:
    """The same, as Paramiko has them. The file is read once for all servers, until it changes."""
    server = hop.server
    try:
        if server.known_hosts.exists():
            changed = server.known_hosts.stat().st_mtime_ns
            return _known(server.known_hosts, changed, hop.known_as)
    except InvalidHostKey as error:
        raise refused(
            f"{server.name}: {server.known_hosts} has a line that is no host key: {error.line[:60]}"
        ) from None
    except (OSError, ValueError) as error:
        raise refused(f"{server.name}: {server.known_hosts} cannot be read: {error}") from None
    return {}


@cache
def _known(file: Path, changed: int, name: str) -> Mapping[str, PKey]:
    return dict(_read(file, changed).lookup(name) or {})


@cache
def _read(file: Path, _changed: int) -> HostKeys:
    found = HostKeys()
    found.load(str(file))
    return found


def fetch(hop: Hop, kinds: Iterable[str], gateway: Connection | None = None) -> HostKey:
    """The key that a server shows to whoever connects; of one of these ``kinds``, if any is given.

    That proves nothing of who it is. Nothing is said to it, and nobody logs in there. ``gateway``:
    the connection to the jump host that leads there.
    """
    try:
        with closing(_way(hop, gateway)) as way, closing(Transport(way)) as transport:
            if wanted := tuple(kinds):
                transport.get_security_options().key_types = wanted
            transport.start_client(timeout=CONNECT)
            return _host_key(transport.get_remote_server_key())
    except (SSHException, OSError, EOFError, ValueError) as error:
        why = (str(error) or type(error).__name__).splitlines()[0]
        told = f"{hop.where} shows no host key ({why}); is the host up?"
        raise refused(f"{hop.server.name}: {told}") from None


def _way(hop: Hop, gateway: Connection | None) -> Any:
    if gateway is None:
        return socket.create_connection((hop.host, hop.port), timeout=CONNECT)
    there = (hop.host, hop.port)
    return gateway.transport.open_channel("direct-tcpip", there, ("", 0), timeout=CONNECT)


def pin(hop: Hop, key: HostKey) -> None:
    """Add a server's key to ``known_hosts``, whole or not at all."""
    file = hop.server.known_hosts.resolve()
    made = file.with_name(f"{file.name}.new")
    try:
        before = file.read_text(encoding="utf-8") if file.exists() else ""
        end = "\n" * bool(before and not before.endswith("\n"))
        made.write_text(f"{before}{end}{hop.known_as} {key.text}\n", encoding="utf-8")
        if file.exists():
            made.chmod(file.stat().st_mode & 0o777)
        os.replace(made, file)  # noqa: PTH105 # the name in its place, not what a link leads to
    except (OSError, UnicodeDecodeError) as error:
        raise Trouble(f"{hop.server.name}: {file} cannot be written: {error}") from None


def _host_key(key: PKey) -> HostKey:
    return HostKey(key.get_name(), f"{key.get_name()} {key.get_base64()}", key.fingerprint)
