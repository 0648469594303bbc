"""Faults of one server. Each is a context manager: the fault ends with the block, also when it fails."""

from __future__ import annotations

import subprocess
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from . import relay
from .docker import docker
from .output import wait_until

BALLAST = "/disk/.ballast"


class Faults:
    """What can go wrong with a server, mixed into it."""

    name: str
    address: str

    @property
    @abstractmethod
    def container(self) -> str: ...

    @property
    @abstractmethod
    def network(self) -> str: ...

    @property
    @abstractmethod
    def ports(self) -> dict[int, int]: ...

    @abstractmethod
    def exec(self, words: Sequence[str], user: str = ...) -> subprocess.CompletedProcess[str]: ...

    @abstractmethod
    def must(self, words: Sequence[str], user: str = ...) -> str: ...

    @abstractmethod
    def wait_ready(self) -> None: ...

    @contextmanager
    def partition(self) -> Iterator[None]:
        """Pull the network cable: nothing reaches the server and nothing leaves it."""
        docker("network", "disconnect", self.network, self.container)
        try:
            yield
        finally:
            docker("network", "connect", "--ip", self.address, self.network, self.container)
            self.wait_ready()

    @contextmanager
    def severed(self, address: str) -> Iterator[None]:
        """Lose every packet from and to one address; all other traffic flows."""
        rules = [
            ["raw", "PREROUTING", "-s", address, "-j", "DROP"],
            ["raw", "OUTPUT", "-d", address, "-j", "DROP"],
            ["mangle", "POSTROUTING", "-d", address, "-j", "DROP"],
        ]
        with self._iptables(rules):
            yield

    @contextmanager
    def dropping(self, port: int) -> Iterator[None]:
        """Lose every packet to one TCP port: connections to it hang."""
        with self._iptables([["raw", "PREROUTING", *_to(port), "-j", "DROP"]]):
            yield

    @contextmanager
    def resetting(self, port: int) -> Iterator[None]:
        """Answer every packet to one TCP port with a reset: connections to it are refused or die."""
        # A published port is translated before these chains; the tracked connection knows the original.
        match = ["-p", "tcp", "-m", "conntrack", "--ctorigdstport", str(port)]
        reject = ["-j", "REJECT", "--reject-with", "tcp-reset"]
        with self._iptables([["filter", chain, *match, *reject] for chain in ("INPUT", "FORWARD")]):
            yield

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Hang the whole host: connections stay open, nothing answers."""
        docker("pause", self.container)
        try:
            yield
        finally:
            docker("unpause", self.container)
            self.wait_ready()

    @contextmanager
    def powered_off(self) -> Iterator[None]:
        """Lose power for the length of the block; afterwards the server has booted again."""
        self.kill_power()
        try:
            yield
        finally:
            self.power_on()

    def kill_power(self) -> None:
        """Lose power now."""
        docker("kill", self.container)

    def power_on(self) -> None:
        """Boot after a loss of power; returns when sshd and the engine answer."""
        docker("start", self.container)
        self.wait_ready()

    def reboot(self) -> None:
        """Shut down in order and boot; returns when sshd and the engine answer."""
        docker("restart", "-t", "60", self.container, timeout=90)
        self.wait_ready()

    def restart_engine(self) -> None:
        """Restart the server's own engine, its containers with it; returns when it answers."""
        old = self.must(["pidof", "dockerd"]).strip()
        self.must(["pkill", "-x", "dockerd"])
        wait_until(
            lambda: self.exec(["pidof", "dockerd"]).stdout.strip() not in ("", old), "dockerd", 60
        )
        self.wait_ready()

    @contextmanager
    def slow(self, rate: str = "1mbit") -> Iterator[None]:
        """Limit what the server sends and receives to a rate, as ``tc`` writes it."""
        shape = ["tbf", "rate", rate, "burst", "16kb", "latency", "400ms"]
        self.must(["tc", "qdisc", "replace", "dev", "eth0", "root", *shape])
        try:
            yield
        finally:
            self.exec(["tc", "qdisc", "del", "dev", "eth0", "root"], user="root")

    @contextmanager
    def delayed(self, milliseconds: float, port: int = 22) -> Iterator[tuple[str, int]]:
        """Put a round-trip delay before one port; yields the (host, port) to connect to."""
        with relay.delay(("127.0.0.1", self.ports[port]), milliseconds / 1000) as address:
            yield address

    @contextmanager
    def full_disk(self, path: str = "/opt", free: int = 0) -> Iterator[None]:
        """Fill the disk that holds ``path`` until only ``free`` bytes are left."""
        fill = f"""
        set -eu
        [ "$(df --output=source {path} | tail -n 1)" = "$(df --output=source /disk | tail -n 1)" ]
        losetup "$(df --output=source /disk | tail -n 1)" >/dev/null
        available=$(df --output=avail -B1 /disk | tail -n 1)
        fallocate -l $((available - {free} - available / 1000)) {BALLAST}
        dd if=/dev/zero bs=64k count=$((available / 1000 / 65536)) of={BALLAST}.rest status=none || true
        """
        try:
            self.must(["sh", "-c", fill])
            yield
        finally:
            self.must(["rm", "-f", BALLAST, f"{BALLAST}.rest"])

    @contextmanager
    def _iptables(self, rules: Sequence[Sequence[str]]) -> Iterator[None]:
        try:
            for table, chain, *rule in rules:
                self.must(["iptables", "-w", "-t", table, "-I", chain, *rule])
            yield
        finally:
            for table, chain, *rule in rules:
                self.exec(["iptables", "-w", "-t", table, "-D", chain, *rule], user="root")


def _to(port: int) -> list[str]:
    return ["-p", "tcp", "--dport", str(port)]
