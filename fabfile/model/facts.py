"""Facts: what one look at a server saw, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from .access.reach import Reach
from .certificates.certificate import anchor
from .commit import Commit
from .data.backup import Backup
from .examined import Examined
from .freeze import Freeze
from .maintenance import Maintenance
from .release import DIED, RUNNING, Release
from .schedule.jobs import Entry

SHORT = 12
"""Letters of a container's id that name it for the proxy: names are given again, ids never."""


@dataclass(frozen=True)
class Container:
    """A container on the server, of whatever project."""

    id: str
    name: str
    image: str
    """Id of the image that it runs."""
    state: str
    health: str
    """``healthy``, ``unhealthy``, ``starting``; empty without a health check."""
    started: str
    exit_code: int
    restarts: int
    labels: Mapping[str, str]
    addresses: Mapping[str, str]
    """Address per network."""
    published: tuple[str, ...]
    """Ports of the server: ``443/tcp``."""
    data: tuple[str, ...]
    """Where it may write on the server: volumes by name, files and folders by path."""
    limit: int = 0
    """Bytes of memory that it may have; 0: it has no limit of its own."""

    @property
    def number(self) -> int:
        """Which of its service's containers it is; whatever compose did not count comes last."""
        written = self.labels.get("com.docker.compose.container-number", "1")
        return int(written) if written.isdecimal() and len(written) < 10 else 1 << 30

    @property
    def project(self) -> str:
        """Compose project that it belongs to; empty when made by hand."""
        return "" if self.by_hand else self.labels.get("com.docker.compose.project", "")

    @property
    def owner(self) -> str:
        """Whose it is, in words."""
        return f"project {self.project}" if self.project else "no compose project"

    @property
    def by_hand(self) -> bool:
        """Whether somebody else than compose made it.

        The labels of project and service prove nothing: images that compose built bear them and
        hand them on to every container. Only compose itself says whether one is a one-off.
        """
        return "com.docker.compose.oneoff" not in self.labels

    @property
    def image_project(self) -> str:
        """Compose project that its image was built for; empty for images of others."""
        return self.labels.get("com.docker.compose.project", "")

    @property
    def service(self) -> str:
        """Compose service; empty for one-off containers and those made by hand."""
        if self.labels.get("com.docker.compose.oneoff") != "False":
            return ""
        return self.labels.get("com.docker.compose.service", "")

    @property
    def config_hash(self) -> str:
        """Compose's digest of the definition that it was made from."""
        return self.labels.get("com.docker.compose.config-hash", "")

    @property
    def address(self) -> str:
        """Its address on the first of its networks; empty when it has none."""
        if "host" in self.addresses:
            return "127.0.0.1"
        return next((address for _, address in sorted(self.addresses.items()) if address), "")


EMPTY = "regular empty file"
"""What ``stat`` calls a file without a byte."""


@dataclass(frozen=True)
class Folder:
    """A file or folder that a look found."""

    owner: str
    mode: int
    kind: str


@dataclass(frozen=True)
class Disk:
    """A file system. Sizes in bytes."""

    mount: str
    total: int
    free: int


@dataclass(frozen=True)
class Split:
    """New replicas have a share of the clients, and the former ones the others."""

    share: int
    """Of 100 clients."""
    since: int
    """Seconds since 1970, by the server's clock."""
    new: Mapping[str, tuple[str, ...]]
    """Service → the ids of its new replicas."""


@dataclass(frozen=True)
class Facts:
    """One look at one server."""

    user: str
    groups: tuple[str, ...]
    sudo: bool
    now: int
    """The server's clock, seconds since 1970."""
    cpus: int
    docker: str
    """Engine version, or ``error: …``."""
    compose: str
    folders: Mapping[str, Folder]
    disks: tuple[Disk, ...]
    env_stat: tuple[str, str] | None
    """Owner and octal mode of ``.env``."""
    env: str = field(repr=False)
    certificate: str
    trust: str
    """What this one trusts of the server that it calls."""
    head: str
    edited: tuple[str, ...]
    meanwhile: bool
    """Whether the stack's file says that it has the replicas which a deploy has meanwhile."""
    containers: tuple[Container, ...]
    images: Mapping[str, str]
    """``NAME:TAG`` → image id."""
    networks: Mapping[str, str]
    """Network → compose project."""
    volumes: Mapping[str, str]
    """Volume → compose project."""
    listening: frozenset[str]
    """Ports of the server that somebody has: ``443/tcp``."""
    holder: str
    """Who holds the server for a change, since when, at which step; empty: nobody."""
    releases: tuple[Release, ...]
    """Oldest first."""
    generation: str
    """Digest of the configuration that the proxy has loaded, as it answers it; empty: no answer."""
    commit: Commit | None
    maintenance: Maintenance | None = None
    """While visitors are told that the application is away."""
    backups: tuple[Backup, ...] = ()
    """The manifests of the last backups, in the order in which they were made."""
    jobs: tuple[Entry, ...] = ()
    """What cron starts here for us, or was to, and how it last ended."""
    cron: str = ""
    """Whether a cron daemon runs: ``yes``, ``no``; empty: that cannot be seen."""
    pinned: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Service → the containers that the proxy gives its requests to, by the start of their ids, as
    it answers it; a service that it names itself is not in it."""
    split: Split | None = None
    """The canary that the proxy has loaded; those in ``pinned`` are its former replicas."""
    lingering: str = ""
    """Who died while a step of theirs goes on here; empty: nobody."""
    freeze: Freeze | None = None
    reach: Reach | None = None
    """Who reaches the networks from the server itself."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """``NAME:TAG`` → bytes of the image, those that it shares with others included."""
    storage: Disk | None = None
    """The disk that the engine keeps images on."""
    memory: int | None = None
    """Bytes that new processes can have without swapping (``MemAvailable``); None: unknown."""
    anonymous: Mapping[str, int] = field(default_factory=dict)
    """Id of a running container → bytes of memory that are its own, not of a file."""
    curl: str = ""
    """The version of the server's curl; empty: it has none."""
    clone: tuple[tuple[str, str], ...] = ()
    """What keeps git from working in the checkout: a kind that :mod:`.clone` tells, and of what."""
    unreadable: tuple[str, ...] = ()
    """Records and manifests below the root that say nothing that can be believed."""
    examined: Examined | None = None
    """What only doctor asks for; None: nobody asked."""

    @property
    def anchor(self) -> str:
        """What a caller must trust to trust this server; empty: it has no certificate."""
        return anchor(self.certificate)

    def containers_of(self, project: str, service: str) -> list[Container]:
        """Every container of a service, by number."""
        found = [c for c in self.containers if c.project == project and c.service == service]
        return sorted(found, key=lambda container: container.number)

    def serving(self, project: str, service: str) -> list[Container]:
        """The running containers of a service that get requests.

        Those that the proxy names one by one; where it names the service, all of them.
        """
        running = [c for c in self.containers_of(project, service) if c.state == "running"]
        pinned = self.pinned.get(service)
        return [c for c in running if pinned is None or c.id[:SHORT] in pinned]

    @property
    def two_generations(self) -> list[str]:
        """The services that have replicas beside those that the proxy names one by one."""
        found = []
        for name, ids in self.pinned.items():
            asked = [c for c in self.containers if c.service == name and c.id[:SHORT] in ids]
            if asked and len(self.containers_of(asked[0].project, name)) > len(asked):
                found.append(name)
        return found

    @property
    def keeps_former(self) -> bool:
        """Whether what runs left the former replicas, for a rollback by one load."""
        last = self.verified
        there = last is not None and last == self.releases[-1] and last.kept > 0
        return there and bool(self.two_generations)

    def container(self, project: str, service: str) -> Container | None:
        """The first container of a service, if there is one."""
        return next(iter(self.containers_of(project, service)), None)

    def runs(self, project: str, service: str) -> bool:
        """Whether the container of a service is running."""
        found = self.container(project, service)
        return found is not None and found.state == "running"

    @property
    def verified(self) -> Release | None:
        """The last release that passed every gate, or whose red gates were waived by name."""
        return next((release for release in reversed(self.releases) if release.passed), None)

    def outcome(self, release: Release) -> str:
        """How a release ended; :data:`DIED`: it was never ended and nobody is at it."""
        busy = self.holder and release == self.releases[-1]
        return DIED if release.outcome == RUNNING and not busy else release.outcome

    def has_folder(self, path: PurePosixPath) -> bool:
        """Whether a look found something at that path."""
        return str(path) in self.folders

    def has_content(self, path: PurePosixPath) -> bool:
        """Whether a look found a file there that is not empty, as a full disk may have left it."""
        found = self.folders.get(str(path))
        return found is not None and found.kind != EMPTY
