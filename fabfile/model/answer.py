"""The answer of ``remote/look.sh``, read into facts: section by section, and never half of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from .access.reach import parse as parse_reach
from .commit import parse_commit
from .data.backup import in_order, parse_manifest
from .examined import parse_examined
from .facts import Container, Disk, Facts, Folder, Split
from .framing import fields, rows, sections_of
from .freeze import parse_freeze
from .maintenance import parse_maintenance
from .reading import load
from .release import parse_release
from .schedule.jobs import Entry
from .schedule.jobs import parse as parse_schedule

SIZE = re.compile(r"([0-9.]+)\s*([kKMGT]?)B")
CGROUP = re.compile(r"([0-9a-f]{64})(?:\.scope)?/memory\.stat ([0-9]+)$", re.MULTILINE)
UNITS = ("", "k", "m", "g", "t")


def parse(output: str, mark: str, ref: str = "") -> Facts:
    """Read the answer of the look script; ValueError when it is none, or not whole.

    ``mark`` is what its section lines start with. ``ref`` is what was asked for: where that is the
    id of a commit, no other one is taken.
    """
    return _facts(sections_of(output, mark), ref)


def _facts(sections: Mapping[str, str], ref: str) -> Facts:
    host = _pairs(sections["host"])
    records = _files(sections["releases"])
    releases = {name: parse_release(text) for name, text in records}
    manifests = {name: (text, parse_manifest(text)) for name, text in _files(sections["backups"])}
    torn = [f"releases/{name}" for name, made in releases.items() if not made or made.id != name]
    torn += [
        f"backups/{name}"
        for name, (_, backup) in manifests.items()
        if not backup or f"{backup.name}.json" != name
    ]
    return Facts(
        user=host.get("user", ""),
        groups=tuple(host.get("groups", "").split()),
        sudo=host.get("sudo") == "yes",
        now=int(host.get("now", "0")),
        cpus=int(host.get("cpus", "0")),
        curl=host.get("curl", ""),
        docker=sections["docker"].strip(),
        compose=sections["compose_version"].strip(),
        folders=_folders(sections["folders"]),
        disks=_disks(sections["disk"]),
        storage=_storage(sections["disk"]),
        memory=_available(sections["memory"]),
        anonymous=_anonymous(sections["memory"]),
        env_stat=_env_stat(sections["env_stat"]),
        env=sections["env"],
        certificate=sections["certificate"],
        trust=sections["trust"],
        head=sections["head"].strip(),
        edited=_edited(sections["edited"]),
        meanwhile=bool(sections["meanwhile"]),
        clone=tuple((kind, about) for kind, about in fields(sections["clone"], 2)),
        containers=_containers(sections["containers"]),
        images=_images(sections["images"]),
        sizes=_sizes(sections["images"]),
        networks=dict(rows(sections["networks"], 2)),
        volumes=dict(rows(sections["volumes"], 2)),
        listening=_listening(sections["listening"]),
        holder=sections["holder"].strip(),
        lingering=sections["lingering"].strip(),
        freeze=parse_freeze(sections["frozen"]),
        maintenance=parse_maintenance(sections["maintenance"]),
        releases=tuple(made for name, made in releases.items() if made and made.id == name),
        generation=sections["generation"].strip(),
        pinned=_pinned(sections["pinned"]),
        split=_split(sections["pinned"]),
        backups=in_order(
            text
            for name, (text, backup) in manifests.items()
            if backup and f"{backup.name}.json" == name
        ),
        jobs=_jobs(sections),
        cron=sections["cron"].strip(),
        reach=parse_reach(sections["reach"]) if "reach" in sections else None,
        commit=parse_commit(sections, ref) if "commit" in sections else None,
        unreadable=tuple(torn),
        examined=parse_examined(sections) if "examined" in sections else None,
    )


def _pairs(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.split("\n") if "=" in line)


def _files(text: str) -> list[tuple[str, ...]]:
    """Name and text of files."""
    return fields(text, 2)


def _jobs(sections: Mapping[str, str]) -> tuple[Entry, ...]:
    root, _, blocks = sections["crontab"].partition("\n")
    return parse_schedule(
        blocks, PurePosixPath(root), _stamps(sections["jobs"]), sections["installed"]
    )


def _stamps(text: str) -> dict[str, tuple[int, str]]:
    return {
        name: (int(seconds), " ".join(said.split()))
        for name, seconds, said in fields(text, 3)
        if seconds.isascii() and seconds.isdigit()
    }


def _folders(text: str) -> dict[str, Folder]:
    found = (entry.split("|", 3) for (entry,) in fields(text, 1))
    return {path: Folder(owner, int(mode, 8), kind) for mode, kind, owner, path in found}


def _edited(text: str) -> tuple[str, ...]:
    """As ``git status --porcelain -z`` names them: a renamed file has its former name behind it."""
    entries = iter(entry for (entry,) in fields(text, 1))
    return tuple(
        f"{entry} (was {next(entries, '')})" if entry[:1] in ("R", "C") else entry
        for entry in entries
    )


def _pinned(text: str) -> dict[str, tuple[str, ...]]:
    """``SERVICE ID ID; SERVICE ID``, as the proxy answers it; behind a ``/`` stand the new ones."""
    rows = (row.partition("/")[0].split() for row in text.split(";"))
    return {row[0]: tuple(row[1:]) for row in rows if row}


def _split(text: str) -> Split | None:
    """``/ PERCENT SINCE; SERVICE ID ID / ID ID``, likewise; None: the clients are not split."""
    rows = [row.split() for row in text.split(";") if row.strip()]
    if not rows or rows[0][0] != "/":
        return None
    _, share, since = rows[0]
    split = {row[0]: row[row.index("/") + 1 :] for row in rows[1:] if "/" in row}
    return Split(int(share), int(since), {name: tuple(ids) for name, ids in split.items()})


def _disks(text: str) -> tuple[Disk, ...]:
    lines = (line.split(None, 5) for line in text.split("\n") if line.strip())
    # One file system may be mounted at several places: it is one disk, named by the first.
    found: dict[tuple[str, str, str], Disk] = {}
    for source, total, _, free, _, mount in lines:
        found.setdefault((source, total, free), Disk(mount, int(total), int(free)))
    return tuple(found.values())


def _storage(text: str) -> Disk | None:
    """The engine's place is the last that is asked about."""
    disks = _disks(text.strip().rpartition("\n")[2])
    return disks[0] if disks else None


def _available(text: str) -> int | None:
    found = re.search(r"^MemAvailable: +([0-9]+) kB$", text, re.MULTILINE)
    return int(found[1]) << 10 if found else None


def _anonymous(text: str) -> dict[str, int]:
    """Lines ``…/ID/memory.stat BYTES`` and ``…/docker-ID.scope/memory.stat BYTES``."""
    return {identity: int(size) for identity, size in CGROUP.findall(text)}


def _env_stat(text: str) -> tuple[str, str] | None:
    owner, bar, mode = text.strip().partition("|")
    return (owner, mode) if bar else None


def _containers(text: str) -> tuple[Container, ...]:
    lines = [line for line in text.split("\n") if line]
    for line in lines:
        if line.startswith("error: "):
            raise ValueError(f"docker inspect: {line.removeprefix('error: ')}")
    try:
        return tuple(_container(load(line)) for line in lines)
    except (KeyError, TypeError, AttributeError):
        raise ValueError("docker inspect: it answers in another form") from None


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
        limit=raw["limit"],
        labels=raw["labels"] or {},
        addresses={name: network.get("IPAddress", "") for name, network in networks.items()},
        published=tuple(sorted(ports, key=lambda port: int(port.partition("/")[0]))),
        data=tuple(sorted(name or source for name, source, writable in raw["mounts"] if writable)),
    )


def _ports(text: str) -> range:
    """A port, or a range of which the engine took one."""
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def _images(text: str) -> dict[str, str]:
    """Every image by its names and digests; one that has lost its name, by its id."""
    found: dict[str, str] = {}
    listed = rows(text, 5)
    named = {image for image, _, tag, *_ in listed if tag != "<none>"}
    for image, name, tag, _, digest in listed:
        if tag != "<none>":
            found[f"{name}:{tag}"] = image
        elif image not in named:
            found[image] = image
        if digest != "<none>":
            found[f"{name}@{digest}"] = image
    return found


def _sizes(text: str) -> dict[str, int]:
    """As the engine writes them: ``247MB``, a thousand to a thousand."""
    found = {f"{name}:{tag}": SIZE.fullmatch(size) for _, name, tag, size, _ in rows(text, 5)}
    return {
        name: int(float(size[1]) * 1000 ** UNITS.index(size[2].lower()))
        for name, size in found.items()
        if size
    }


def _listening(text: str) -> frozenset[str]:
    """Ports in /proc/net, each line after its protocol: TCP in state LISTEN (0A), UDP in 07."""
    found = (line.split() for line in text.split("\n"))
    return frozenset(
        f"{int(row[2].rpartition(':')[2], 16)}/{row[0]}"
        for row in found
        if len(row) > 4 and (row[0], row[4]) in (("tcp", "0A"), ("udp", "07"))
    )
