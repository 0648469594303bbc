"""The way from the operator to the servers: made longer, and counted what goes over it."""

from __future__ import annotations

import configparser
import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import paramiko

from tests.lab.rig import Lab, Server
from tests.lab.rig.relay import delay

SAMPLES = 15
SAYS_MORE = "/etc/ssh/sshd_config.d/verbose.conf"
LOG = "/var/log/sshd.log"
RELOAD = "pkill -HUP -o -x sshd"


@dataclass(frozen=True)
class Road:
    """How the operator reaches the servers."""

    folder: Path
    """Where ``hosts.ini`` and ``known_hosts`` stand that lead over it."""
    repository: str
    """The git remote, as the servers know it."""
    key: Path
    door: int
    """Port of 127.0.0.1 that leads to sshd of ``ubuntu``."""
    edge: str
    """Host and port that lead to its site."""
    trip: float
    """Milliseconds there and back, as measured."""

    @property
    def hosts_ini(self) -> Path:
        """What ``HOSTS_INI`` must name."""
        return self.folder / "hosts.ini"

    @property
    def known_hosts(self) -> Path:
        """The servers' keys."""
        return self.folder / "known_hosts"


@contextmanager
def road(lab: Lab, folder: Path, milliseconds: float) -> Iterator[Road]:
    """Everything of the operator's goes through doors so far away; 0: the lab's own."""
    parsed = configparser.ConfigParser(interpolation=None, default_section="defaults")
    parsed.read(lab.hosts_ini)
    key = lab.folder / parsed["defaults"]["key"]
    pinned = (lab.folder / "known_hosts").read_text(encoding="utf-8")
    parsed["defaults"].update(key=str(key))
    with ExitStack() as doors:

        def lead(port: int) -> int:
            if not milliseconds:
                return port
            return doors.enter_context(delay(("127.0.0.1", port), milliseconds / 1000))[1]

        for name in parsed.sections():
            near = lab.server(name).ssh_port
            far = lead(near)
            parsed[name]["port"] = str(far)
            pinned = pinned.replace(f"]:{near} ", f"]:{far} ")
        edge = f"127.0.0.1:{lead(lab.server('ubuntu').ports[443])}"
        parsed["ubuntu"]["edge"] = edge
        folder.mkdir()
        with (folder / "hosts.ini").open("w", encoding="utf-8") as text:
            parsed.write(text)
        (folder / "known_hosts").write_text(pinned, encoding="utf-8")
        door = int(parsed["ubuntu"]["port"])
        trip = _trip(folder / "known_hosts", key, door)
        yield Road(folder, parsed["defaults"]["repository"], key, door, edge, trip)


def _trip(known_hosts: Path, key: Path, port: int) -> float:
    """Milliseconds that a question of SSH itself takes on an open connection."""
    client = paramiko.SSHClient()
    client.load_host_keys(str(known_hosts))
    client.connect("127.0.0.1", port, "ubuntu", key_filename=str(key), allow_agent=False)
    found = []
    try:
        transport = client.get_transport()
        assert transport is not None
        for _ in range(SAMPLES):
            start = time.perf_counter()
            transport.global_request("keepalive@openssh.com", wait=True)
            found.append((time.perf_counter() - start) * 1000)
    finally:
        client.close()
    return statistics.median(found)


@dataclass(frozen=True)
class Traffic:
    """What the servers' sshd were asked."""

    connections: int = 0
    sessions: int = 0
    """Commands, shells and subsystems, each in a channel of its own."""

    def __add__(self, other: Traffic) -> Traffic:
        return Traffic(self.connections + other.connections, self.sessions + other.sessions)

    def __str__(self) -> str:
        return f"{self.sessions} on {self.connections}"


def traffic(log: str) -> Traffic:
    """What sshd's log says of it, at ``LogLevel VERBOSE``."""
    return Traffic(log.count("Accepted publickey for "), log.count("Starting session: "))


class Counter:
    """Counts what all servers' sshd are asked, as a context manager: sshd says more meanwhile."""

    def __init__(self, servers: Mapping[str, Server]) -> None:
        self._servers = servers.values()
        self._read = {server.name: 0 for server in self._servers}

    def __enter__(self) -> Self:
        for server in self._servers:
            server.must(["sh", "-c", f"echo LogLevel VERBOSE >{SAYS_MORE}; {RELOAD}"])
            server.wait_ready()
        self.since()
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.must(["sh", "-c", f"rm -f {SAYS_MORE}; {RELOAD}"])
            server.wait_ready()

    def since(self) -> Traffic:
        """What came since the last question."""
        found = Traffic()
        for server in self._servers:
            text = server.must(["tail", "-c", f"+{self._read[server.name] + 1}", LOG])
            self._read[server.name] += len(text.encode())
            found += traffic(text)
        return found
