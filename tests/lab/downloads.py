"""The lab's download.docker.com: an apt repository for Debian 12, signed by a key of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from tests.lab.rig import network
from tests.lab.rig.docker import docker
from tests.lab.rig.images import Images
from tests.lab.rig.place import Place

NAME = "download.docker.com"
NUMBER = 32
"""Last number of its address."""
FINGERPRINT = (
    "gpg --with-colons --show-keys /srv/linux/debian/gpg | awk -F: '$1==\"fpr\"{print $10; exit}'"
)


@dataclass(frozen=True)
class Downloads:
    address: str
    certificate: str
    """Which whoever asks it must trust, in PEM."""
    fingerprint: str
    """Of the key that signs its repository."""


@contextmanager
def downloads(place: Place) -> Iterator[Downloads]:
    """It, up; gone afterwards."""
    with closing(Images(place)) as images:
        image = images.recipe("downloads").result()
    container, address = place.name("downloads"), network.address(place, NUMBER)
    docker("rm", "-f", "-v", container, check=False)
    words = ["run", "-d", "--name", container, "--label", place.label]
    docker(*words, "--network", place.network, "--ip", address, image)
    try:
        certificate = docker("exec", container, "cat", "/etc/web.pem").stdout
        fingerprint = docker("exec", container, "sh", "-c", FINGERPRINT).stdout.strip()
        yield Downloads(address, certificate, fingerprint)
    finally:
        docker("rm", "-f", "-v", container)
