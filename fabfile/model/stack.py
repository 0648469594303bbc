"""The stack: what compose makes of the compose file, with the hints of ``x-deploy``.

Nothing about a particular service is known here; what belongs to a service follows from the compose
model, and what compose has no word for stands in the file's top-level ``x-deploy``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from .errors import refused
from .hints import Hints
from .image_names import repository
from .nearest import meant
from .own_jobs import OwnJob


@dataclass(frozen=True)
class Build:
    """How an image is made; paths are absolute, as they will be in the checkout."""

    context: str
    dockerfile: str
    """Empty: it stands inline."""
    args: tuple[tuple[str, str], ...] = ()
    target: str = ""
    contexts: tuple[tuple[str, str], ...] = ()
    """Others by name: a path, the address of an image or a repository, or ``service:NAME``."""
    rest: str = ""
    """All else that compose says of it, as JSON; an inline Dockerfile, for one."""


@dataclass(frozen=True)
class Mount:
    """A bind mount or volume of a service. ``source`` is a host path or a volume's name."""

    kind: str
    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True)
class Port:
    """A port that a service publishes on the server, or one of a range."""

    address: str
    published: int
    protocol: str
    last: int = 0
    """Of a range: one of its ports, up to this one, is enough."""
    target: int = 0
    """The container's own port."""

    @property
    def choices(self) -> list[str]:
        """The ports that it may be, as :attr:`Facts.listening` writes them."""
        last = self.last or self.published
        return [f"{port}/{self.protocol}" for port in range(self.published, last + 1)]


@dataclass(frozen=True)
class Read:
    """A config or secret of a service, which compose's digest of its definition leaves out."""

    kind: str
    """``content``, ``environment`` (a key of ``.env``) or ``file``."""
    value: str
    target: str = ""
    """Where it is in the container."""
    mode: int = 0o444
    owner: tuple[int, int] = (0, 0)
    """User and group."""


@dataclass(frozen=True)
class Service:
    """An entry in the stack."""

    name: str
    image: str
    build: Build | None
    container: str
    """The name of its container; of several, of the first one while nothing is being replaced."""
    depends_on: tuple[str, ...]
    mounts: tuple[Mount, ...]
    ports: tuple[Port, ...]
    cpus: float
    """Limit of CPUs; 0: none."""
    config_hash: str
    """Compose's own digest of the definition, as it labels containers with."""
    meaning: str = field(default="", repr=False)
    """The definition in one form for all versions of compose; holds secrets."""
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Resolved; holds secrets, so it never shows in a repr."""
    reads: tuple[Read, ...] = field(default=(), repr=False)
    """Its configs and secrets; they may hold secrets."""
    completes: bool = False
    """It is done when it has ended with 0."""
    lasts: bool = False
    """It may as well run on: nobody awaits its end."""
    in_host_network: bool = False
    start_period: float = 0
    """Seconds that it may take to start before a failed health check counts."""
    reserved: int = 0
    """Bytes of memory that each container is to have, whatever else runs; 0: it does not say."""
    fixed: bool = False
    """Whether its container's name stands in the compose file."""
    replicas: int = 1
    """How many containers it is to have."""
    counted: str = "scale"
    """The key of its definition that says so, or may: ``replicas`` (of ``deploy``) or ``scale``."""
    beside: bool = False
    """Whether new replicas start next to the old ones, and requests are switched to them."""
    hints: Hints = Hints()

    def listens_at(self, port: int) -> str:
        """The server's address at which it publishes a port; the loopback one where it is all."""
        found = (one.address for one in self.ports if one.published == port and not one.last)
        address = next(found, "")
        if address in ("", "0.0.0.0", "::"):  # noqa: S104 # read here, not listened at
            return "127.0.0.1"
        return f"[{address}]" if ":" in address else address

    @property
    def unasked(self) -> bool:
        """Whether neither a probe nor a gate asks it anything."""
        return not (self.hints.probe or self.hints.gates or self.completes)

    @property
    def probed_first(self) -> bool:
        """Whether each new replica must give an answer before anybody else asks it."""
        return self.beside and self.hints.probe is not None

    @property
    def containers(self) -> list[str]:
        """The names of its containers while nothing is being replaced."""
        if self.replicas == 1 and not self.beside:
            return [self.container]
        stem = self.container.removesuffix("-1")
        return [f"{stem}-{number}" for number in range(1, self.replicas + 1)]

    @property
    def moves(self) -> bool:
        """Whether its requests can move to it from containers of other services, and back."""
        alone = self.hints.keep or self.hints.proxy or self.completes or self.in_host_network
        return not (alone or self.ports)

    @property
    def repository(self) -> str:
        """The image's name without its tag."""
        return repository(self.image)

    def done(self, state: str, exit_code: int) -> bool:
        """Whether a container in this state has done what it was started for."""
        return self.completes and state == "exited" and exit_code == 0


@dataclass(frozen=True)
class Heal:
    """That replicas which stay unhealthy are restarted by cron."""

    unhealthy: int
    """Seconds after which."""
    at_most: int = 3
    """How many times within an hour."""


@dataclass(frozen=True)
class Stack:
    """A server's compose file at one commit, resolved with the server's ``.env``."""

    project: str
    services: tuple[Service, ...]
    """In dependency order, the proxy last."""
    networks: tuple[str, ...]
    volume_folders: tuple[str, ...]
    """Host folders that volumes bind."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """``network NAME`` and ``volume NAME`` → digest of its definition."""
    external: tuple[str, ...] = ()
    """Those that must be there already, likewise named."""
    not_understood: tuple[str, ...] = ()
    """What it says and a deploy would leave undone, a line each."""
    jobs: tuple[OwnJob, ...] = ()
    """What the application wants done now and then."""
    heal: Heal | None = None
    """None: nothing is restarted by itself."""

    def service(self, name: str) -> Service:
        """The service of that name; exit code 2 when there is none."""
        for service in self.services:
            if service.name == name:
                return service
        known = [service.name for service in self.services]
        told = f"no service '{name}' in the stack; services: {', '.join(known)}"
        raise refused(told + meant(name, known))

    @property
    def proves(self) -> bool:
        """Whether anything asks if a release works, beyond whether its containers run."""
        hints = [service.hints for service in self.services]
        return any(one.probe or one.gates or one.checks or one.link for one in hints)

    def monitor(self, names: Iterable[str]) -> int:
        """Seconds that these services are watched together: as long as the most careful wants."""
        return max((self.service(name).hints.update.monitor for name in names), default=0)

    def depending(self, on: set[str]) -> set[str]:
        """The services that depend on one of these, or on one that does."""
        found: set[str] = set()
        for service in self.services:  # in dependency order
            if (on | found) & set(service.depends_on):
                found.add(service.name)
        return found

    @property
    def database(self) -> Service | None:
        """The service that ``x-deploy`` calls the database."""
        return next((service for service in self.services if service.hints.database), None)

    @property
    def proxy(self) -> Service | None:
        """The service that ``x-deploy`` calls the proxy."""
        return next((service for service in self.services if service.hints.proxy), None)
