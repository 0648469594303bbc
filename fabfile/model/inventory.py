"""The inventory: which servers there are, and how they are reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from .access.way_in import Gateway
from .data.offsite import Offsite
from .data.retention import Keep
from .errors import refused
from .nearest import meant

SETTLE = 30
"""Default of ``settle``: a cold application answers its first deep question late."""
ITSELF, LOCAL = "server", "local"
"""Who builds a server's images: the server, or the machine that runs ``fab``."""
ACME_DIRECTORY = "https://acme-v02.api.letsencrypt.org/directory"
"""Default of ``acme_directory``: Let's Encrypt."""


@dataclass(frozen=True)
class Server:
    """One section of ``hosts.ini``, with ``[defaults]`` filled in."""

    name: str
    host: str
    """Address that SSH connects to."""
    port: int
    user: str
    key: Path
    """Private SSH key on the operator's machine."""
    path: PurePosixPath
    """The checkout on the server."""
    root: PurePosixPath
    """Root of the server's state: data, backups, releases, locks, proxy, certs, build."""
    repository: str
    branch: str
    compose: tuple[PurePosixPath, ...]
    """Compose files of the stack, relative to the checkout; a later one overrides those before."""
    domains: tuple[str, ...]
    acme_directory: str
    """The certificate authority's ACME directory."""
    acme_email: str
    """Where the authority writes to; empty: nowhere."""
    cdn_ranges: tuple[str, ...]
    """Whose word the proxy takes for who a client is; empty: nobody's."""
    cdn_header: str
    """Where they say it."""
    cdn_purge: str
    """Address that is asked to forget what the CDN keeps, after a release; empty: none."""
    calls: str
    """Name of the server that this one's services call; empty when it calls none."""
    allow: tuple[str, ...]
    """Who else may ask a server that is called, besides its callers."""
    address: str
    """Address at which other servers reach this one."""
    edge: tuple[str, int] | None
    """Where probes from outside connect instead of the domain's own address, as (host, port)."""
    settle: int
    """Seconds after the last change within which every gate must turn green."""
    compression: str
    """How backups are packed: ``zstd`` or ``gzip``."""
    keep: Keep
    """How many backups stay."""
    connection: str
    """``ssh``, or ``local`` on the server itself."""
    known_hosts: Path
    settings: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Every key as it stands in the file, ``[defaults]`` filled in."""
    offsite: Offsite = Offsite()
    """Where backups are copied to."""
    open_ports: tuple[int, ...] = ()
    """What the firewall leaves open over TCP, besides SSH; none: there is no firewall of ours."""
    commit_status: str = ""
    """Where it is shown how the deploy of a commit ended: ``github:OWNER/REPO``; empty: nowhere."""
    engine: str = ""
    """Whose packages bootstrap installs: ``docker``, Docker's own; empty: the distribution's."""
    passphrase: bool = False
    """Whether a person is asked for the key's passphrase."""
    agent: bool = False
    """Whether the keys of the operator's ssh-agent are used, in place of :attr:`key`."""
    groups: tuple[str, ...] = ()
    """What it is called together with others."""
    secrets: Path | None = None
    """Folder of the operator's checkout with an encrypted copy of each ``.env``; None: none."""
    gateway: Gateway | None = None
    """The jump host from which it is reached; None: it is reached directly."""
    builder: str = ITSELF
    """Who builds its images: :data:`ITSELF`, :data:`LOCAL` or the name of another server."""
    registry: str = ""
    """Registry, and a path in it, by which images come from the builder; empty: by SSH."""

    def with_user(self, user: str) -> Server:
        """The same server, where another user logs in; at its jump host the same one does."""
        if not user:
            return self
        jump = self.gateway and replace(self.gateway, user=self.gateway.user or self.user)
        return replace(self, user=user, gateway=jump)

    @property
    def stacks(self) -> tuple[PurePosixPath, ...]:
        """The stack's files in the checkout."""
        return tuple(self.path / one for one in self.compose)

    @property
    def stack(self) -> PurePosixPath:
        """The last of them, which has the last word."""
        return self.stacks[-1]

    @property
    def compose_file(self) -> str:
        """Them as compose reads them in ``COMPOSE_FILE``."""
        return ":".join(map(str, self.compose))

    @property
    def names(self) -> tuple[str, ...]:
        """What ``@server`` of ``.env.example`` may call it: itself, or its stack by a file."""
        return (self.name, *(part for one in self.compose for part in one.name.split(".")))

    @property
    def outside(self) -> str:
        """Where the operator's machine reaches the ports that it publishes; empty: nobody says.

        What only a jump host reaches is no such address.
        """
        if self.gateway is None:
            return self.host
        return self.address if self.address != self.host else ""

    @property
    def place(self) -> str:
        """:attr:`address` as a URL has it."""
        return f"[{self.address}]" if ":" in self.address else self.address


@dataclass(frozen=True)
class Inventory:
    """All servers of one ``hosts.ini``."""

    file: Path
    servers: tuple[Server, ...]

    def server(self, name: str) -> Server:
        """The server of that name; exit code 2 when there is none."""
        for server in self.servers:
            if server.name == name:
                return server
        known = [server.name for server in self.servers]
        told = ", ".join(known) or "none"
        near = meant(name, known)
        raise refused(f"{self.file}: no server [{name}]; known servers: {told}{near}")

    def builder_of(self, server: Server) -> Server | None:
        """The machine that builds the images of a server; None: the server itself does."""
        if server.builder == ITSELF:
            return None
        if server.builder != LOCAL:
            return self.server(server.builder)
        here = replace(server, name=LOCAL, host="127.0.0.1", connection=LOCAL, user="")
        return replace(here, gateway=None, passphrase=False)

    def names_of(self, group: str = "") -> list[str]:
        """The servers of a group, empty: all; exit code 2 where no server is in it."""
        found = [one.name for one in self.servers if not group or group in one.groups]
        if found:
            return found
        known = sorted({name for one in self.servers for name in one.groups})
        told = ", ".join(known) or "none"
        near = meant(group, known)
        raise refused(f"{self.file}: no server is in group {group}; known groups: {told}{near}")

    def callers_of(self, name: str) -> tuple[Server, ...]:
        """The servers whose services call the server ``name``."""
        return tuple(server for server in self.servers if server.calls == name)

    def called_first(self) -> list[str]:
        """All names, a server that is called before the one that calls it."""
        order: list[str] = []

        for server in self.servers:
            chain = [server]
            while chain[-1].calls:
                chain.append(self.server(chain[-1].calls))
            order += [link.name for link in reversed(chain) if link.name not in order]
        return order
