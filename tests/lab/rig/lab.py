"""The lab as a whole: bring it up, take it down, say how it is, publish a commit to it."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path

from . import bases, containers, environment, files, network, origin
from .docker import LabError, docker, ensure_engine
from .images import Images
from .mirror import REGISTRY_PORT, Mirror
from .output import say, step
from .place import Place
from .server import Server

PORTS = (22, 80, 443, 8001)
FIRST_SERVER = 11


class Lab:
    """The lab of one checkout: a server for each section of its ``hosts.ini``, and a mirror."""

    def __init__(self, place: Place | None = None) -> None:
        self._place = place or Place()
        self._mirror = Mirror(self._place)

    @property
    def folder(self) -> Path:
        """Where its ``hosts.ini``, keys and bare repository are."""
        return self._place.folder

    @property
    def hosts_ini(self) -> Path:
        return self.folder / "hosts.ini"

    def server(self, name: str) -> Server:
        """One server by its name in ``hosts.ini``."""
        return self.servers[name]

    @cached_property
    def servers(self) -> Mapping[str, Server]:
        """Every server by name; their addresses are known once the network exists."""
        parsed = files.inventory(self._place)
        address = {
            name: network.address(self._place, FIRST_SERVER + position)
            for position, name in enumerate(parsed.sections())
        }
        found = {}
        for name in parsed.sections():
            settings = {"COMPOSE_FILE": parsed[name].get("compose", "")}
            if called := parsed[name].get("calls"):
                settings["ITEM_RESOLVER_URL"] = f"https://{address[called]}:8001"
            found[name] = Server(self._place, name, address[name], settings)
        return found

    def up(self) -> None:
        """Bring everything up that is not up, and publish HEAD. Quick when all runs already."""
        ensure_engine()
        with self._alone(), step("up"), closing(Images(self._place)) as images:
            names = files.inventory(self._place).sections()
            files.make_keys(self._place, names)
            origin.create(self._place)
            needed = bases.needed(self._place.root)
            making = [
                images.recipe("mirror"),
                images.recipe("server"),
                *map(images.provide, needed),
            ]
            if not network.exists(self._place):
                network.create(self._place)
            self._start_mirror(making[0].result())
            self._start_servers(making[1].result())
            for image, made in zip(needed, making[2:], strict=True):
                if not self._mirror.holds(image, made.result()):
                    self._mirror.push(image, made.result())
            files.write_inventory(self._place, self.servers, self._mirror.repository)
            self._publish("HEAD")

    def down(self, keep_images: bool = False) -> None:
        """Remove everything of the lab; with ``keep_images`` the next start is a warm one."""
        ensure_engine()
        with self._alone(), step("down"):
            chosen = f"label={self._place.label}"
            _remove(["rm", "-f", "-v"], ["ps", "-aq", "--filter", chosen])
            _remove(["network", "rm"], ["network", "ls", "-q", "--filter", chosen])
            if keep_images:
                volumes = [server for server in _listed("volume", "ls", "-q", "--filter", chosen)]
                kept = self._place.mirror
                for volume in volumes:
                    if volume != kept:
                        docker("volume", "rm", volume)
            else:
                _remove(["volume", "rm"], ["volume", "ls", "-q", "--filter", chosen])
                for image in _listed("images", "--format", "{{.Repository}}:{{.Tag}}"):
                    if image.startswith(self._place.image_prefix):
                        docker("rmi", "-f", image)
                _remove(["rmi", "-f"], ["images", "-aq", "--filter", chosen])
            if self.folder.exists():
                shutil.rmtree(self.folder)

    def push(self, ref: str = "HEAD") -> str:
        """Publish a commit of the checkout as the remote's main branch; returns its full name."""
        if not origin.repository(self._place).exists():
            raise LabError("the lab is not up: inv lab.up")
        return self._publish(ref)

    def status(self) -> list[str]:
        """One line for each part of the lab; none when there is no lab."""
        ensure_engine()
        lines = []
        for name, container in sorted(containers.all_of(self._place).items()):
            ports = " ".join(
                f"{i}→127.0.0.1:{o}" for i, o in sorted(containers.published(name).items())
            )
            state = container["State"]["Status"]
            lines.append(f"{container['Config']['Hostname']:<9} {state:<8} {ports}")
        return lines

    @property
    def is_up(self) -> bool:
        """Whether every container of the lab runs."""
        found = containers.all_of(self._place).values()
        wanted = len(files.inventory(self._place).sections()) + 1
        return len([one for one in found if one["State"]["Running"]]) == wanted

    def _start_mirror(self, image: str) -> None:
        if self._fresh(self._place.mirror, image):
            return
        with step("mirror started"):
            self._mirror.create(image, set())
            self._mirror.wait()

    def _start_servers(self, image: str) -> None:
        missing = [s for s in self.servers.values() if not self._fresh(s.container, image)]
        if missing:
            with step(f"{' and '.join(server.name for server in missing)} ready"):
                dns = network.resolvers(image)
                mirror = f"{self._mirror.address}:{REGISTRY_PORT}"
                taken = {
                    port
                    for name in containers.all_of(self._place)
                    for port in containers.published(name).values()
                }
                free = iter(network.free_ports(self._place, len(PORTS) * len(missing), taken))
                for server in missing:
                    identity = files.identity_archive(self._place, server.name)
                    server.create(
                        image, identity, mirror, dns, {port: next(free) for port in PORTS}
                    )
        with ThreadPoolExecutor() as pool:
            list(pool.map(self._finish, self.servers.values()))

    def _finish(self, server: Server) -> None:
        server.wait_ready()
        server.require_mirror(f"{self._mirror.address}:{REGISTRY_PORT}")
        if environment.has_schema(self._place):
            server.write_env()

    def _fresh(self, name: str, image: str) -> bool:
        """Whether a container runs the wanted image; one that stopped is started, an older one removed."""
        found = containers.all_of(self._place).get(name)
        if found is None:
            return False
        if found["Config"]["Image"] != image:
            docker("rm", "-f", "-v", name)
            return False
        if found["State"]["Paused"]:
            docker("unpause", name)
        elif not found["State"]["Running"]:
            docker("start", name)
        return True

    def _publish(self, ref: str) -> str:
        commit = origin.publish(self._place, ref)
        say(f"{ref} ({commit[:12]}) is main at {self._mirror.repository}")
        return commit

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One change of this lab at a time."""
        with Path(tempfile.gettempdir(), f"{self._place.network}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _listed(*words: str) -> list[str]:
    return docker(*words).stdout.split()


def _remove(remove: list[str], listing: list[str]) -> None:
    if found := sorted(set(_listed(*listing))):
        docker(*remove, *found, timeout=120)
