"""The container beside the servers: their Docker Hub, the git remote, a certificate authority."""

from __future__ import annotations

import urllib.request

from . import containers, network
from .bases import Image
from .docker import docker
from .output import step, wait_until
from .place import Place

NUMBER = 10
PORT = 5000
SHOP = 8080
DOOR = 8081
READY = 30
MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"
)


class Mirror:
    """The registry and remote of one lab."""

    def __init__(self, place: Place) -> None:
        self._place = place

    @property
    def address(self) -> str:
        return network.address(self._place, NUMBER)

    @property
    def registry(self) -> str:
        """HOST:PORT at which the servers' engines know it."""
        return f"{self.address}:{PORT}"

    @property
    def repository(self) -> str:
        """The URL from which the servers fetch."""
        return f"git://{self.address}/origin.git"

    @property
    def shop(self) -> str:
        """The URL of a shop's page, for the resolver."""
        return f"http://{self.address}:{SHOP}/lamp.html"

    @property
    def door(self) -> str:
        """The URL of the site for a browser on this machine: plain, under a name it knows."""
        return f"http://localhost:{containers.published(self._place.mirror)[DOOR]}"

    def start(self, image: str, site: str, name: str) -> None:
        """Make the container run, and wait until its registry answers.

        ``site``: the address of the server that the door leads to; ``name``: what it is asked for.
        """
        if not containers.revive(self._place, self._place.mirror, image):
            with step("mirror started"):
                self._create(image, site, name)
        wait_until(self._answers, "the mirror's registry answers", READY)

    def holds(self, image: Image, origin: str) -> bool:
        """Whether the registry serves this image, made from the local image ``origin``."""
        return self._has(image.path, image.tag) and self._has(image.path, _mark(origin))

    def push(self, image: Image, origin: str) -> None:
        """Serve the local image ``origin`` under the name that the stacks use."""
        with step(f"{image} served by the mirror"):
            for tag in (image.tag, _mark(origin)):
                target = f"127.0.0.1:{self._port}/{image.path}:{tag}"
                docker("tag", origin, target)
                docker("push", "-q", target, timeout=300)
                docker("rmi", target)

    def _create(self, image: str, site: str, name: str) -> None:
        place = self._place
        port, door = network.free_ports(place, 2)
        docker("volume", "create", "--label", place.label, place.mirror)
        words = ["run", "-d", "--name", place.mirror, "--hostname", "mirror", "--init"]
        words += ["--label", place.label, "--network", place.network, "--ip", self.address]
        words += ["-p", f"127.0.0.1:{port}:{PORT}", "-p", f"127.0.0.1:{door}:{DOOR}"]
        words += ["-e", f"LAB_SITE={site}", "-e", f"LAB_NAME={name}"]
        words += ["-v", f"{place.mirror}:/var/lib/registry"]
        words += ["-v", f"{place.folder / 'origin.git'}:/srv/git/origin.git:ro"]
        docker(*words, image)

    @property
    def _port(self) -> int:
        return containers.published(self._place.mirror)[PORT]

    def _answers(self) -> bool:
        containers.require_running(self._place.mirror)
        return self._get("/v2/")

    def _has(self, path: str, tag: str) -> bool:
        return self._get(f"/v2/{path}/manifests/{tag}")

    def _get(self, path: str) -> bool:
        url = f"http://127.0.0.1:{self._port}{path}"
        request = urllib.request.Request(url, headers={"Accept": MANIFESTS})
        # It is on this machine, so a proxy of the environment has no say.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=5):
                return True
        except OSError:
            return False


def _mark(origin: str) -> str:
    """A tag that tells which local image was pushed: a stand-in's tag is its recipe's digest."""
    return f"from-{origin.rpartition(':')[2]}"
