"""What a look at a host finds of what a server needs (``remote/access/machine.sh``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..facts import Folder
from ..framing import lines_of, sections_of


@dataclass(frozen=True)
class Machine:
    """One look at a host, as root."""

    system: str
    """``debian 13``: the system's id and version in ``/etc/os-release``."""
    there: frozenset[str]
    """Which of the programs that were asked for it has; also ``ca-certificates`` and the like."""
    packages: frozenset[str]
    """Those of the engine that are installed, the distribution's and Docker's own."""
    docker_apt: bool
    """Whether apt has a source of Docker's own packages."""
    engine: str
    """Version of the engine that answers; empty: none does."""
    compose: str
    """Version of the compose plugin; empty: there is none."""
    containers: int
    """How many run."""
    daemon: str
    """The engine's own settings, ``/etc/docker/daemon.json``; empty: there is no such file."""
    cron: bool
    """Whether the cron daemon runs."""
    home: str
    """Of the user that deploys; empty: there is no such user."""
    groups: tuple[str, ...]
    """What groups that user is in."""
    sudo: bool
    """Whether that user may use sudo without a password."""
    keys: tuple[str, ...]
    """The lines of that user's ``authorized_keys``."""
    folders: Mapping[str, Folder]
    """Those of the checkout and of the server's state that are there."""
    deploy_key: str
    """Public half of that user's own SSH key; empty: there is none."""
    forge: bool
    """Whether that user's SSH knows the host key of the repository's server."""
    upgrades: bool
    """Whether security upgrades are installed by themselves."""
    clock: str
    """Whether something sets the clock: ``yes``, ``no``; empty: it is another host's."""
    memory: int
    """Bytes."""
    swap: int
    """Bytes."""
    sshd: Mapping[str, str]
    """Its settings as they are in force, in small letters."""
    ports: tuple[int, ...]
    """At which sshd is asked."""
    firewall: str
    """The file of our rules, where they are loaded; empty: they are not."""
    ufw: bool
    """Whether that other firewall is active."""
    pending: bool
    """Whether the host is about to undo what could lock out, since no new login was proved."""
    repository: str
    """What git says when that user asks the repository: ``yes``, or its error; empty: not asked."""


def parse(output: str, mark: str) -> Machine:
    """Read the answer of the script; ValueError when it is none, or not whole."""
    sections = sections_of(output, mark)
    said = dict(line.split("=", 1) for line in lines_of(sections["host"]) if "=" in line)
    sshd = [line.partition(" ") for line in lines_of(sections["sshd"])]
    ports = {int(value) for key, _, value in sshd if key == "port"}
    folders = (line.split("|", 3) for line in lines_of(sections["folders"]))
    return Machine(
        system=said.get("system", ""),
        there=frozenset(lines_of(sections["there"])),
        packages=frozenset(lines_of(sections["packages"])),
        docker_apt=said.get("docker_apt") == "yes",
        engine=said.get("engine", ""),
        compose=said.get("compose", "").removeprefix("v"),
        containers=int(said.get("containers", "0")),
        daemon=sections["daemon"].rstrip("\n"),
        cron=said.get("cron") == "yes",
        home=said.get("home", ""),
        groups=tuple(said.get("groups", "").split()),
        sudo=said.get("sudo") == "yes",
        keys=tuple(lines_of(sections["keys"])),
        folders={path: Folder(owner, int(mode, 8), kind) for mode, kind, owner, path in folders},
        deploy_key=sections["deploy_key"].strip(),
        forge=said.get("forge") == "yes",
        upgrades=said.get("upgrades") == "yes",
        clock=said.get("clock", ""),
        memory=int(said.get("memory", "0")) << 10,
        swap=int(said.get("swap", "0")) << 10,
        sshd={key: value for key, _, value in sshd},
        ports=tuple(sorted(ports | {int(said["port"])} if said.get("port") else ports)),
        firewall=sections["firewall"],
        pending=said.get("pending") == "yes",
        ufw=said.get("ufw") == "yes",
        repository=sections["repository"].strip(),
    )
