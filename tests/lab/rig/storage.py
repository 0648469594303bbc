"""An S3 server beside the lab's servers, which checks signatures; whoever needs it starts it."""

from __future__ import annotations

import json
import platform
import socket
import sys
from pathlib import Path

from . import containers, environment, network
from .docker import LabError, docker
from .output import step, wait_until
from .place import Place

NUMBER = 9
PORT = 8333
READY = 60
BUCKET = "wishwithme-backups"


class Unreachable(LabError):
    """The addresses of containers lead nowhere on this machine."""


class Storage:
    """The S3 server of one lab; it forgets everything when the lab goes down."""

    def __init__(self, place: Place) -> None:
        self._place = place

    @property
    def container(self) -> str:
        """Its container on this machine's engine."""
        return self._place.name("storage")

    @property
    def address(self) -> str:
        """Where it is reached, from the servers as from this machine."""
        return network.address(self._place, NUMBER)

    @property
    def endpoint(self) -> str:
        """Its URL."""
        return f"http://{self.address}:{PORT}"

    @property
    def keys(self) -> tuple[str, str, str]:
        """What opens it, and what signs the manifests in it: stands in the servers' ``.env``."""
        first, second, signing = (environment.secret(self._place, key) for key in environment.OWN)
        return first, second, signing

    def start(self, image: str) -> None:
        """Make it run and wait until it takes connections; Unreachable where nobody could.

        ``image``: any with a shell; the server itself is the binary of the machine's environment.
        """
        binary = Path(sys.executable).with_name("weed")
        if platform.system() != "Linux":
            raise Unreachable("no S3 server: containers' addresses lead nowhere on this machine")
        if not binary.exists():
            raise LabError("no S3 server: weed is not installed here; run scripts/setup")
        if not containers.revive(self._place, self.container, image):
            with step("S3 server started"):
                self._create(image, binary)
        wait_until(self._answers, "the S3 server takes connections", READY)

    def _create(self, image: str, binary: Path) -> None:
        access, secret, _ = self.keys
        identity = {
            "name": "backups",
            "credentials": [{"accessKey": access, "secretKey": secret}],
            "actions": ["Admin", "Read", "Write", "List"],
        }
        config = self._place.folder / "s3.json"
        config.touch(0o600)
        config.write_text(json.dumps({"identities": [identity]}))
        place = self._place
        words = ["run", "-d", "--name", self.container, "--hostname", "storage", "--init"]
        words += ["--label", place.label, "--network", place.network, "--ip", self.address]
        words += [
            "-v",
            f"{binary}:/weed:ro",
            "-v",
            f"{config}:/s3.json:ro",
            "--entrypoint",
            "/weed",
        ]
        server = ["server", "-dir=/tmp", f"-ip={self.address}", "-s3", "-s3.config=/s3.json"]
        server += [f"-s3.port={PORT}", "-master.volumeSizeLimitMB=256", "-volume.max=40"]
        docker(*words, image, *server)

    def _answers(self) -> bool:
        containers.require_running(self.container)
        try:
            with socket.create_connection((self.address, PORT), timeout=2):
                return True
        except OSError:
            return False
