"""The answer of ``remote/look.sh``, read into facts: section by section, and never half of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from .backup import in_order
from .facts import Change, Commit, Container, Disk, Facts, Folder
from .freeze import parse_freeze
from .release import parse_release
from .schedule import parse as parse_schedule

SIZE = re.compile(r"([0-9.]+)\s*([kKMGT]?)B")
UNITS = ("", "k", "m", "g", "t")


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
        storage=_storage(sections["disk"]),
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
        sizes=_sizes(sections["images"]),
        networks=dict(line.split("|", 1) for line in sections["networks"].splitlines() if line),
        volumes=frozenset(sections["volumes"].split()),
        listening=_listening(sections["listening"]),
        holder=sections["holder"].strip(),
        lingering=sections["lingering"].strip(),
        freeze=parse_freeze(sections["frozen"]),
        releases=tuple(filter(None, map(parse_release, sections["releases"].splitlines()))),
        generation=sections["generation"].strip(),
        away=sections.get("away", "").strip(),
        backups=in_order(sections["backups"].splitlines()),
        jobs=parse_schedule(sections["crontab"], sections["jobs"]),
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


def _storage(text: str) -> Disk | None:
    """The engine's place is the last that is asked about."""
    disks = _disks("\n".join(text.strip().splitlines()[-1:]))
    return disks[0] if disks else None


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
        f"{port}/{name.partition('/')[2] or 'tcp'}"
        for name, bindings in (raw["ports"] or {}).items()
        for binding in bindings or []
        if binding.get("HostPort")
        for port in _ports(binding["HostPort"])
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
        published=tuple(sorted(ports, key=lambda port: int(port.partition("/")[0]))),
    )


def _ports(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def _image_rows(text: str) -> list[list[str]]:
    return [line.split("|") for line in text.splitlines() if line.count("|") == 4]


def _images(text: str) -> dict[str, str]:
    """Every image by its names and digests; one that has lost its name, by its id."""
    rows, found = _image_rows(text), {}
    named = {image for image, _, tag, *_ in rows if tag != "<none>"}
    for image, name, tag, _, digest in rows:
        if tag != "<none>":
            found[f"{name}:{tag}"] = image
        elif image not in named:
            found[image] = image
        if digest != "<none>":
            found[f"{name}@{digest}"] = image
    return found


def _sizes(text: str) -> dict[str, int]:
    """As the engine writes them: ``247MB``, a thousand to a thousand."""
    rows = _image_rows(text)
    found = {f"{name}:{tag}": SIZE.fullmatch(size) for _, name, tag, size, _ in rows}
    return {
        name: int(float(size[1]) * 1000 ** UNITS.index(size[2].lower()))
        for name, size in found.items()
        if size
    }


def _listening(text: str) -> frozenset[str]:
    """Ports in /proc/net, each line after its protocol: TCP in state LISTEN (0A), UDP in 07."""
    rows = (line.split() for line in text.splitlines())
    return frozenset(
        f"{int(row[2].rpartition(':')[2], 16)}/{row[0]}"
        for row in rows
        if len(row) > 4 and (row[0], row[4]) in (("tcp", "0A"), ("udp", "07"))
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
        filtered=tuple(sections.get("filtered", "").split("\0")[:-1]),
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
