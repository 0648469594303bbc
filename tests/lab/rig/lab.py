"""The lab as a whole: bring it up, take it down, say how it is, publish a commit to it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

from . import bases, containers, files, network, origin, servers
from .directory import Directory
from .docker import LabError, docker, ensure_engine
from .engines import generation_of
from .images import Images
from .judge import Finding, findings_of_testssl
from .mirror import Mirror
from .output import say, step
from .place import Place
from .server import Server
from .storage import Storage


class Lab:
    """The lab of one checkout: a server for each section of its ``hosts.ini``, and a mirror."""

    def __init__(self, place: Place | None = None) -> None:
        self._place = place or Place()
        self._mirror = Mirror(self._place)
        self._servers: dict[str, Server] = {}

    @property
    def folder(self) -> Path:
        """Where its ``hosts.ini``, keys and bare repository stand."""
        return self._place.folder

    @property
    def hosts_ini(self) -> Path:
        """What ``HOSTS_INI`` must name for tasks to reach this lab."""
        return self.folder / "hosts.ini"

    @property
    def servers(self) -> dict[str, Server]:
        """Every server by its name in ``hosts.ini``."""
        if not self._servers:
            self._servers = servers.known(self._place)
        return self._servers

    def server(self, name: str) -> Server:
        """One server by its name."""
        return self.servers[name]

    @property
    def shop(self) -> str:
        """The URL of a page that the resolver can resolve."""
        return self._mirror.shop

    def storage(self) -> Storage:
        """The S3 server, up; Unreachable where there can be none."""
        storage = Storage(self._place)
        with closing(Images(self._place)) as images:
            storage.start(images.recipe("mirror").result())
        return storage

    @property
    def door(self) -> str:
        """The URL at which a browser on this machine sees the site, plain and without its name."""
        return self._mirror.door

    @property
    def directory(self) -> Directory:
        """The certificate authority that the servers ask."""
        return Directory(self._place)

    def testssl(self, server: str, domain: str, authority: str) -> list[Finding]:
        """What testssl says of the site at a server; ``authority`` is trusted, in PEM."""
        return findings_of_testssl(self._place, self.server(server).address, domain, authority)

    def serve(self, name: str, like: str) -> None:
        """Let the servers pull the image ``like`` of the stacks under another name too."""
        wanted, known = bases.parse(name), bases.parse(like)
        if wanted is None or known is None:
            raise LabError(f"{name} or {like} is no image of Docker Hub")
        with closing(Images(self._place)) as images:
            origin = images.provide(known).result()
        if not self._mirror.holds(wanted, origin):
            self._mirror.push(wanted, origin)

    @property
    def _site(self) -> Server:
        """The server that people's browsers ask: the one with domains."""
        named = files.sections(self._place)
        return next(server for name, server in self.servers.items() if "domains" in named[name])

    def up(self) -> None:
        """Bring up whatever is not up, and publish HEAD. Quick when all of it runs."""
        ensure_engine()
        with self._alone(), step("up"), closing(Images(self._place)) as images:
            mirror_image = images.recipe("mirror")
            server_images = {
                name: images.recipe("server", generation_of(name))
                for name in files.sections(self._place)
            }
            wanted = {image: images.provide(image) for image in bases.needed(self._place.root)}
            self._lay_ground()
            self._mirror.start(mirror_image.result(), self._site.address, self._site.domain)
            with ThreadPoolExecutor(max_workers=1) as pool:
                started = pool.submit(
                    lambda: servers.start(
                        self._place,
                        self.servers,
                        {name: image.result() for name, image in server_images.items()},
                        self._mirror,
                    )
                )
                for image, made in wanted.items():
                    if not self._mirror.holds(image, made.result()):
                        self._mirror.push(image, made.result())
                started.result()
            for server in self.servers.values():
                server.trust(self.directory.certificate)
            files.write_inventory(
                self._place, self.servers, self._mirror.repository, self.directory.url
            )
            self._publish("HEAD")

    def down(self, keep_images: bool = False) -> None:
        """Remove everything of the lab; with ``keep_images`` the next start is a warm one.

        The first lab of a checkout takes the others with it; the images are its own alone.
        """
        ensure_engine()
        first = self._place.number == 1
        for other in self._place.others if first else ():
            Lab(other).down()
        chosen = ("--filter", f"label={self._place.label}")
        with self._alone(), step("down"):
            containers.remove_all(self._place)
            _remove(("network", "rm"), _listed("network", "ls", "-q", *chosen))
            volumes = _listed("volume", "ls", "-q", *chosen)
            if keep_images and first:
                volumes.discard(self._place.mirror)  # it holds what the servers pull
            _remove(("volume", "rm"), volumes)
            if first and not keep_images:
                self._remove_images()
            shutil.rmtree(self.folder, ignore_errors=True)
        self._servers = {}

    def push(self, ref: str = "HEAD") -> str:
        """Publish a commit of the checkout as the remote's main branch; returns its full name."""
        if not origin.repository(self._place).exists():
            raise LabError("there is no lab; inv lab.up brings one up")
        return self._publish(ref)

    def status(self) -> list[str]:
        """One line for each container of the lab; none when there is no lab."""
        ensure_engine()
        lines = []
        for name, container in sorted(containers.all_of(self._place).items()):
            ports = sorted(containers.published(name).items())
            shown = "  ".join(f"{inside} at 127.0.0.1:{outside}" for inside, outside in ports)
            host, state = container["Config"]["Hostname"], container["State"]["Status"]
            lines.append(f"{host:<10}{state:<9}{shown}")
        return lines

    def _lay_ground(self) -> None:
        """Files and network; containers that know the keys of an earlier ``.lab/`` are removed."""
        if not origin.repository(self._place).exists():
            containers.remove_all(self._place)
        files.make_keys(self._place)
        origin.create(self._place)
        network.ensure(self._place)
        self._servers = {}

    def _remove_images(self) -> None:
        """Remove every image that carries the lab's name or label."""
        named = ("images", "-q", "--filter", f"reference={self._place.image_prefix}*")
        labelled = ("images", "-aq", "--filter", f"label={self._place.image_label}")
        before: set[str] = set()
        while found := _listed(*named) | _listed(*labelled):
            if found == before:
                raise LabError(f"images of the lab cannot be removed: {' '.join(sorted(found))}")
            # One that others stand on goes in a later round, with the untagged ones between.
            docker("rmi", "-f", *sorted(found), timeout=120, check=False)
            before = found

    def _publish(self, ref: str) -> str:
        commit = origin.publish(self._place, ref)
        say(f"{ref} ({commit[:12]}) is main at {self._mirror.repository}")
        return commit

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One change of this lab at a time; the checkout itself is the lock, so no file stays."""
        held = os.open(self._place.root, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield
        finally:
            os.close(held)


def _listed(*words: str) -> set[str]:
    return set(docker(*words).stdout.split())


def _remove(words: tuple[str, ...], found: set[str]) -> None:
    if found:
        docker(*words, *sorted(found), timeout=120)
