"""Whose packages bring the engine and compose: the distribution's, or Docker's own."""

from __future__ import annotations

from collections.abc import Iterator

from ..inventory import Server
from ..versions import COMPOSE, version
from .machine import Machine
from .setup import Step

ENGINE = {
    "debian 12": (),
    "debian 13": ("docker.io", "docker-cli", "docker-compose"),
    "ubuntu 22.04": ("docker.io", "docker-compose-v2"),
    "ubuntu 24.04": ("docker.io", "docker-compose-v2"),
}
"""System → its own packages of the engine, the last that of compose 2; empty: it has none."""
DOCKER = (
    "docker-ce",
    "docker-ce-cli",
    "containerd.io",
    "docker-buildx-plugin",
    "docker-compose-plugin",
)
"""Docker's own, as its documentation lists them."""
CLASHING = frozenset(
    {
        "docker.io",
        "docker-cli",
        "docker-compose",
        "docker-compose-v2",
        "docker-buildx",
        "podman-docker",
        "containerd",
        "runc",
    }
)
"""Packages of a distribution that cannot stand beside Docker's."""
FINGERPRINT = "9DC858229FC7DD38854AE2D88D81803C0EBFCD88"
"""Of the key that signs Docker's repository, as its documentation says."""


def needed(server: Server, machine: Machine) -> tuple[str, ...]:
    """The packages that are missing for an engine with a compose that is new enough.

    The engine that is installed decides whose they are; without one, ``engine`` of hosts.ini does.
    """
    if version(machine.compose) >= COMPOSE:
        return ()
    if _is_dockers(server, machine):
        return tuple(one for one in DOCKER if one not in machine.packages) or DOCKER[-1:]
    own = ENGINE.get(machine.system, ())
    return own[-1:] if "docker" in machine.there else own


def refusals(server: Server, machine: Machine) -> Iterator[str]:
    """Why they cannot be installed."""
    if version(machine.compose) >= COMPOSE:
        return
    if not _is_dockers(server, machine):
        if not ENGINE.get(machine.system, ("known elsewhere",)):
            yield (
                f"{machine.system} has no package of compose 2.20 or newer:"
                " set engine = docker, for the packages of Docker's own repository"
            )
        return
    clashing = " ".join(sorted(CLASHING & machine.packages))
    if clashing:
        yield (
            f"compose is missing or too old, and packages of {machine.system} stand in the way of"
            f" Docker's own; remove them, and run this again: apt-get remove {clashing}"
        )
    elif "docker" in machine.there and "docker-ce-cli" not in machine.packages:
        yield (
            "compose is missing or too old, and a docker that came in no package stands in the way"
            " of Docker's own; remove it, and run this again"
        )


def repository(machine: Machine, packages: tuple[str, ...]) -> Iterator[Step]:
    """The step that lets apt find them, where it does not."""
    if not {*DOCKER} & {*packages} or machine.docker_apt:
        return
    reason = "apt does not know Docker's packages"
    yield Step("docker-repository", "apt repository of Docker", reason, (FINGERPRINT,))


def notes(server: Server, machine: Machine) -> Iterator[str]:
    """What a person should know of an engine that is there."""
    stays = "docker" in machine.there and "docker-ce" not in machine.packages
    if server.engine and stays and version(machine.compose) >= COMPOSE:
        yield (
            "engine = docker, and another engine is installed; it stays, since two cannot stand on"
            " one host"
        )


def _is_dockers(server: Server, machine: Machine) -> bool:
    return "docker-ce" in machine.packages or bool(server.engine)
