"""The container beside the servers: a registry that serves as their Docker Hub, and the git remote."""

from __future__ import annotations

import urllib.error
import urllib.request

from . import network
from .bases import Image
from .containers import published, running
from .docker import docker
from .output import step, wait_until
from .place import Place

NUMBER = 10
REGISTRY_PORT = 5000
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEXES = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"


class Mirror:
    """The registry seen from this machine; ``address`` is what the servers know it by."""

    def __init__(self, place: Place) -> None:
        self._place = place

    @property
    def address(self) -> str:
        return network.address(self._place, NUMBER)

    @property
    def repository(self) -> str:
        """The URL from which the servers fetch."""
        return f"git://{self.address}/origin.git"

    def create(self, image: str, taken: set[int]) -> None:
        """Start the container; its registry keeps what it holds in a volume of the lab's."""
        place = self._place
        (port,) = network.free_ports(place, 1, taken)
        words = [
            "run",
            "-d",
            "--name",
            place.mirror,
            "--hostname",
            "mirror",
            "--label",
            place.label,
        ]
        words += [
            "--network",
            place.network,
            "--ip",
            self.address,
            "--init",
            "--cap-add",
            "NET_ADMIN",
        ]
        words += ["-p", f"127.0.0.1:{port}:{REGISTRY_PORT}"]
        words += ["-v", f"{place.mirror}:/var/lib/registry"]
        words += ["-v", f"{place.folder / 'origin.git'}:/srv/git/origin.git:ro"]
        docker("volume", "create", "--label", place.label, place.mirror)
        docker(*words, image)

    def wait(self) -> None:
        """Wait until the registry answers."""
        wait_until(self._answers, "the mirror's registry answers", 30)

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

    @property
    def _port(self) -> int:
        return published(self._place.mirror)[REGISTRY_PORT]

    def _answers(self) -> bool:
        running(self._place.mirror)
        return self._get("/v2/")

    def _has(self, path: str, tag: str) -> bool:
        return self._get(f"/v2/{path}/manifests/{tag}")

    def _get(self, path: str) -> bool:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}{path}",
            headers={"Accept": f"{MANIFEST}, {INDEXES}"},
        )
        # No proxy: it is on this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False


def _mark(origin: str) -> str:
    """A tag that says which local image was pushed: a stand-in's tag is the digest of its recipe."""
    return f"from-{origin.rpartition(':')[2]}"
