"""What the engine of a server measures of containers and their processes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

SIZE = re.compile(r"([0-9.]+)\s*([kKMGTP]?)(i?)B")
POWERS = {"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5}


def size(text: str) -> int:
    """``9.055MiB`` or ``42.8kB`` in bytes; 0 for what is none, such as ``--``."""
    found = SIZE.search(text)
    if not found:
        return 0
    number, unit, binary = found.groups()
    base = 1024 if binary else 1000
    return round(float(number) * float(base ** POWERS[unit]))


def shown(bytes_: int) -> str:
    """Bytes as a person reads them: ``9.1 MB``."""
    number, units = float(bytes_), ["B", "kB", "MB", "GB", "TB"]
    while number >= 1000 and len(units) > 1:
        number /= 1000
        del units[0]
    return (
        f"{number:.1f} {units[0]}"
        if number < 100 and units[0] != "B"
        else f"{number:.0f} {units[0]}"
    )


def objects(text: str) -> Iterator[Mapping[str, Any]]:
    """Each line that is an object in JSON."""
    for line in text.splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            yield found


@dataclass(frozen=True)
class Usage:
    """What a container uses now."""

    container: str
    cpu: float
    """Percent of one processor."""
    memory: int
    """Bytes."""
    limit: int
    """Bytes; 0: it has none of its own."""
    received: int
    sent: int
    """Bytes over the network since it started."""
    read: int
    written: int
    """Bytes from and to disks since it started."""
    processes: int
    restarts: int
    killed: bool
    """Whether the kernel has killed it for want of memory."""

    @property
    def row(self) -> tuple[str, ...]:
        """A row of a table."""
        of = f" of {shown(self.limit)} ({self.memory * 100 // self.limit}%)" if self.limit else ""
        restarts = f"{self.restarts}{', out of memory' if self.killed else ''}"
        return (
            self.container,
            f"{self.cpu:.1f}%",
            f"{shown(self.memory)}{of}",
            f"{shown(self.received)} / {shown(self.sent)}",
            str(self.processes),
            restarts,
        )


USAGE = ("container", "cpu", "memory", "net in / out", "pids", "restarts")


def usages(stats: str, boxes: str) -> list[Usage]:
    """What ``docker stats`` and lines ``ID RESTARTS LIMIT KILLED`` say, by name."""
    known = {words[0]: words[1:] for words in map(str.split, boxes.splitlines()) if len(words) == 4}
    found = []
    for one in objects(stats):
        restarts, limit, killed = known.get(str(one.get("ID")), ("0", "0", "false"))
        received, sent = _both(one.get("NetIO"))
        read, written = _both(one.get("BlockIO"))
        found.append(
            Usage(
                container=str(one.get("Name")),
                cpu=_number(str(one.get("CPUPerc")).rstrip("%")),
                memory=_both(one.get("MemUsage"))[0],
                limit=int(limit),
                received=received,
                sent=sent,
                read=read,
                written=written,
                processes=int(_number(str(one.get("PIDs")))),
                restarts=int(restarts),
                killed=killed == "true",
            )
        )
    return sorted(found, key=lambda one: one.container)


def _both(text: object) -> tuple[int, int]:
    first, _, second = str(text).partition("/")
    return size(first), size(second)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


@dataclass(frozen=True)
class Process:
    """A process in a container."""

    container: str
    pid: int
    """On the server."""
    user: str
    cpu: float
    """Percent of one processor, since it started."""
    memory: int
    """Bytes that are in memory, shared ones included."""
    age: int
    """Seconds."""
    command: str
    """Its program, without arguments: these may hold secrets."""

    @property
    def row(self) -> tuple[str, ...]:
        """A row of a table."""
        return (
            self.container,
            str(self.pid),
            self.user,
            f"{self.cpu:.1f}%",
            shown(self.memory),
            age(self.age),
            self.command,
        )


PROCESS = ("container", "pid", "user", "cpu", "memory", "age", "program")


def processes(text: str) -> list[Process]:
    """Lines ``CONTAINER PID USER CPU KIB SECONDS PROGRAM``, the busiest first."""
    found = []
    for line in text.splitlines():
        words = line.split(None, 6)
        if len(words) == 7 and words[1].isdigit():
            name, pid, user, cpu, kib, seconds, command = words
            found.append(
                Process(
                    name, int(pid), user, _number(cpu), int(_number(kib)) * 1024,
                    int(_number(seconds)), command,
                )
            )  # fmt: skip
    return sorted(found, key=lambda one: (-one.cpu, -one.memory, one.pid))


def age(seconds: int) -> str:
    """``3d 4h``, ``2h 5m`` or ``40s``."""
    for unit, length, below, part in (
        ("d", 86400, "h", 3600),
        ("h", 3600, "m", 60),
        ("m", 60, "s", 1),
    ):
        if seconds >= length:
            return f"{seconds // length}{unit} {seconds % length // part}{below}"
    return f"{seconds}s"
