"""The lab's certificate authority: an ACME directory in the mirror's container, and its whims."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from . import network
from .docker import docker
from .mirror import NUMBER
from .place import Place

PORT = 14000
NAMES = "http://127.0.0.1:8055"
REFUSING = "/run/bad-nonce"


class Directory:
    """The ACME directory of one lab, for which every name leads to the site's server."""

    def __init__(self, place: Place) -> None:
        self._place = place

    @property
    def url(self) -> str:
        """What ``acme_directory`` must say."""
        return f"https://{network.address(self._place, NUMBER)}:{PORT}/dir"

    @property
    def certificate(self) -> str:
        """The certificate of the directory itself, which the servers must trust."""
        return self._do("cat", "/etc/acme.pem")

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Every nonce is refused, until :meth:`relent` or the end."""
        self._do("touch", REFUSING)
        try:
            yield
        finally:
            self.relent()

    def relent(self) -> None:
        """Refuse no more nonces."""
        self._do("rm", "-f", REFUSING)

    @contextmanager
    def astray(self, domain: str) -> Iterator[None]:
        """A domain leads to where nobody answers."""
        host = {"host": f"{domain}."}
        self._tell("add-a", {**host, "addresses": [network.address(self._place, NUMBER)]})
        try:
            yield
        finally:
            self._tell("clear-a", host)

    def _tell(self, verb: str, what: Mapping[str, object]) -> None:
        self._do("curl", "-sSf", "-d", json.dumps(what), f"{NAMES}/{verb}")

    def _do(self, *words: str) -> str:
        return docker("exec", self._place.mirror, *words).stdout
