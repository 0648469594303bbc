"""Facts: what one look at a server saw, as values. The parser of ``remote/look.sh``'s answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from .release import Release, parse_release


@dataclass(frozen=True)
class Container:
    """A container on the server, of whatever project."""

    id: str
    name: str
    image: str
    """Id of the image that it runs."""
    state: str
    health: str
    """``healthy``, ``unhealthy``, ``starting``; empty without a health check."""
    started: str
    exit_code: int
    restarts: int
    labels: Mapping[str, str]
    addresses: Mapping[str, str]
    """Address per network."""
    published: tuple[int, ...]

    @property
    def project(self) -> str:
        """Compose project that it belongs to; empty when made by hand."""
        return "" if self.by_hand else self.labels.get("com.docker.compose.project", "")

    @property
    def by_hand(self) -> bool:
        """Whether somebody else than compose made it.

        The labels of project and service prove nothing: images that compose built bear them and
        hand them on to every container. Only compose itself says whether one is a one-off.
        """
        return "com.docker.compose.oneoff" not in self.labels

    @property
    def image_project(self) -> str:
        """Compose project that its image was built for; empty for images of others."""
        return self.labels.get("com.docker.compose.project", "")

    @property
    def service(self) -> str:
        """Compose service; empty for one-off containers and those made by hand."""
        if self.labels.get("com.docker.compose.oneoff") != "False":
            return ""
        return self.labels.get("com.docker.compose.service", "")

    @property
    def config_hash(self) -> str:
        """Compose's digest of the definition that it was made from."""
        return self.labels.get("com.docker.compose.config-hash", "")

    @property
    def address(self) -> str:
        """Its address on the first of its networks; empty when it has none."""
        return next((address for _, address in sorted(self.addresses.items()) if address), "")


@dataclass(frozen=True)
class Folder:
    """A file or folder that a look found."""

    owner: str
    mode: int
    kind: str


@dataclass(frozen=True)
class Disk:
    """A file system. Sizes in bytes."""

    mount: str
    total: int
    free: int


@dataclass(frozen=True)
class Change:
    """One commit of the log and the files that it changed."""

    commit: str
    subject: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Commit:
    """The wanted commit, as the remote has it. Empty ``id`` with ``error``: it cannot be had."""

    id: str
    subject: str
    error: str
    tree: Mapping[str, tuple[str, str]]
    """Path → (mode, git object id), folders included."""
    example: str
    """The text of ``.env.example``."""
    log: tuple[Change, ...]
    """The commit and those before it, newest first; at most 200."""
    resolved: str
    hashes: str
    effective: Mapping[str, str]
    """What compose reads in ``.env``, per key."""

    def since(self, base: str) -> tuple[Change, ...] | None:
        """The changes after the commit ``base``; None when it is not among those known."""
        for index, change in enumerate(self.log):
            if change.commit == base:
                return self.log[:index]
        return None


@dataclass(frozen=True)
class Facts:
    """One look at one server."""

    user: str
    groups: tuple[str, ...]
    sudo: bool
    now: int
    """The server's clock, seconds since 1970."""
    cpus: int
    docker: str
    """Engine version, or ``error: …``."""
    compose: str
    folders: Mapping[str, Folder]
    disks: tuple[Disk, ...]
    env_stat: tuple[str, str] | None
    """Owner and octal mode of ``.env``."""
    env: str
    certificate: str
    trust: str
    """The certificate of the called server that this one trusts."""
    head: str
    edited: tuple[str, ...]
    containers: tuple[Container, ...]
    images: Mapping[str, str]
    """``NAME:TAG`` → image id."""
    networks: Mapping[str, str]
    """Network → compose project."""
    listening: frozenset[int]
    holder: str
    releases: tuple[Release, ...]
    """Oldest first."""
    generation: str
    """Digest of the configuration that the proxy has loaded, as it answers it; empty: no answer."""
    commit: Commit | None

    def container(self, project: str, service: str) -> Container | None:
        """The container of a service, if there is one."""
        for container in self.containers:
            if container.project == project and container.service == service:
                return container
        return None

    @property
    def verified(self) -> Release | None:
        """The last release that passed every gate, or whose red gates were waived by name."""
        return next((release for release in reversed(self.releases) if release.passed), None)

    def has_folder(self, path: PurePosixPath) -> bool:
        """Whether a look found something at that path."""
        return str(path) in self.folders


def parse(output: str, mark: str) -> Facts:
    """Read the answer of the look script; ``mark`` is what its section lines start with."""
    sections: dict[str, str] = {}
    name = ""
    lines: list[str] = []
    for line in output.split("\n"):
        if line.startswith(mark + " "):
            sections[name] = "\n".join(lines)
            name, lines = line[len(mark) + 1 :], []
        else:
            lines.append(line)
    if name != "end":
        raise ValueError(f"the look at the server ended in its section '{name or 'start'}'")
    host = _pairs(sections["host"])
    checkout = _pairs(sections["checkout"])
    return Facts(
        user=host.get("user", ""),
        groups=tuple(host.get("groups", "").split()),
        sudo=host.get("sudo") == "yes",
        now=int(host.get("now", "0")),
        cpus=int(host.get("cpus", "0")),
        docker=sections["docker"].strip(),
        compose=sections["compose_version"].strip(),
        folders=_folders(sections["folders"]),
        disks=_disks(sections["disk"]),
        env_stat=_env_stat(sections["env_stat"]),
        env=sections["env"],
        certificate=sections["certificate"],
        trust=sections["trust"],
        head=checkout.get("head", ""),
        edited=tuple(
            line.removeprefix("edited=")
            for line in sections["checkout"].splitlines()
            if line.startswith("edited=")
        ),
        containers=_containers(sections["containers"]),
        images=_images(sections["images"]),
        networks=dict(line.split("|", 1) for line in sections["networks"].splitlines() if line),
        listening=_listening(sections["listening"]),
        holder=sections["holder"].strip(),
        releases=tuple(filter(None, map(parse_release, sections["releases"].splitlines()))),
        generation=sections["generation"].strip(),
        commit=_commit(sections) if "commit" in sections else None,
    )


def _pairs(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def _folders(text: str) -> dict[str, Folder]:
    rows = (line.split("|") for line in text.splitlines() if line.count("|") == 3)
    return {path: Folder(owner, int(mode, 8), kind) for path, owner, mode, kind in rows}


def _disks(text: str) -> tuple[Disk, ...]:
    rows = (line.split(None, 5) for line in text.splitlines() if line.strip())
    # One file system may be mounted at several places: it is one disk, named by the first.
    found: dict[tuple[str, str, str], Disk] = {}
    for source, total, _, free, _, mount in rows:
        found.setdefault((source, total, free), Disk(mount, int(total), int(free)))
    return tuple(found.values())


def _env_stat(text: str) -> tuple[str, str] | None:
    owner, bar, mode = text.strip().partition("|")
    return (owner, mode) if bar else None


def _containers(text: str) -> tuple[Container, ...]:
    lines = [line for line in text.splitlines() if line]
    for line in lines:
        if line.startswith("error: "):
            raise ValueError(f"docker inspect: {line.removeprefix('error: ')}")
    return tuple(_container(json.loads(line)) for line in lines)


def _container(raw: Mapping[str, Any]) -> Container:
    ports = {
        int(binding["HostPort"])
        for bindings in (raw["ports"] or {}).values()
        for binding in bindings or []
        if binding.get("HostPort")
    }
    networks = raw["networks"] or {}
    return Container(
        id=raw["id"],
        name=raw["name"].lstrip("/"),
        image=raw["image"],
        state=raw["state"],
        health=raw["health"],
        started=raw["started"],
        exit_code=raw["exit"],
        restarts=raw["restarts"],
        labels=raw["labels"] or {},
        addresses={name: network.get("IPAddress", "") for name, network in networks.items()},
        published=tuple(sorted(ports)),
    )


def _images(text: str) -> dict[str, str]:
    rows = (line.split("|") for line in text.splitlines() if line.count("|") == 2)
    return {f"{name}:{tag}": image for image, name, tag in rows if tag != "<none>"}


def _listening(text: str) -> frozenset[int]:
    """Ports in state LISTEN (0A) of /proc/net/tcp and tcp6."""
    rows = (line.split() for line in text.splitlines())
    return frozenset(
        int(row[1].rpartition(":")[2], 16) for row in rows if len(row) > 3 and row[3] == "0A"
    )


def _commit(sections: Mapping[str, str]) -> Commit:
    head = _pairs(sections["commit"])
    error = head.get("error", "")
    if "unknown" in head:
        error = f"unknown: {head['unknown']}"
    tree = {}
    for entry in sections.get("tree", "").split("\0")[:-1]:
        meta, _, path = entry.partition("\t")
        mode, _, identity = meta.split()
        tree[path] = (mode, identity)
    return Commit(
        id=head.get("commit", ""),
        subject=head.get("subject", ""),
        error=error,
        tree=tree,
        example=sections.get("example", ""),
        log=_log(sections.get("log", "")),
        resolved=sections.get("resolved", ""),
        hashes=sections.get("hashes", ""),
        effective=_effective(sections.get("effective", "")),
    )


def _log(text: str) -> tuple[Change, ...]:
    changes = []
    for block in text.split("\x1e")[1:]:
        head, *paths = block.split("\0")
        commit, _, subject = head.partition(" ")
        names = (path.removeprefix("\n") for path in paths)
        changes.append(Change(commit, subject, tuple(filter(None, names))))
    return tuple(changes)


def _effective(text: str) -> dict[str, str]:
    """Compose doubles every ``$`` when it prints a configuration."""
    try:
        environment = json.loads(text)["services"]["reading"]["environment"]
    except (ValueError, KeyError):
        return {}
    return {key: (value or "").replace("$$", "$") for key, value in environment.items()}
