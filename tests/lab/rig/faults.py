"""Faults of one server, as context managers: each ends with its block, also when that fails."""

from __future__ import annotations

import subprocess
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from . import relay
from .containers import frozen
from .docker import docker
from .output import wait_until

SHUTDOWN_DEADLINE = 60

# Both directions: what comes in is sent through a device of its own, where it can be shaped too.
# A cable that was pulled and put back has another name than eth0.
SLOW = """
set -eu
shape() { tc qdisc replace dev "$1" root tbf rate "$rate" burst 32kb latency 400ms; }
rate=$1
link=$(ip -o -4 address show to "$2" | cut -d " " -f 2)
ip link add ifb-slow type ifb
ip link set ifb-slow up
tc qdisc add dev "$link" handle ffff: ingress
tc filter add dev "$link" parent ffff: protocol ip u32 match u32 0 0 \
    action mirred egress redirect dev ifb-slow
shape "$link"
shape ifb-slow
"""
NOT_SLOW = """
link=$(ip -o -4 address show to "$1" | cut -d " " -f 2)
tc qdisc del dev "$link" root
tc qdisc del dev "$link" ingress
ip link del ifb-slow
"""
# Reserved first, which takes no time, then written block by block to the end.
FULL = """
set -eu
disk=$(df --output=source /disk | tail -n 1)
[ "$(df --output=source "$1" | tail -n 1)" = "$disk" ] && losetup "$disk" >/dev/null ||
    { echo "$1 is not on a disk of the server's own" >&2; exit 1; }
left() { df --output=avail -B1 /disk | tail -n 1; }
[ "$(left)" -le "$(($2 + 8388608))" ] || fallocate -l "$(($(left) - $2 - 8388608))" /disk/.ballast
while [ "$(left)" -gt "$2" ]; do
    dd if=/dev/zero bs=4096 count="$((($(left) - $2 + 4095) / 4096))" conv=fsync status=none \
        >>/disk/.ballast-rest 2>/dev/null || break
done
"""


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
        """Lose every packet from and to one address, such as another server's."""
        rules = [
            ["raw", "PREROUTING", "-s", address, "-j", "DROP"],
            ["raw", "PREROUTING", "-d", address, "-j", "DROP"],
            ["raw", "OUTPUT", "-d", address, "-j", "DROP"],
        ]
        with self._iptables(rules):
            yield

    @contextmanager
    def swallowing(self, address: str, above: int = 1400) -> Iterator[None]:
        """Lose every packet to one address that has more bytes than ``above``, and say nothing.

        So does a way whose MTU is too small for one of its ends and that drops what would tell it.
        """
        large = ["-m", "length", "--length", f"{above + 1}:65535", "-j", "DROP"]
        chains = ("PREROUTING", "OUTPUT")
        with self._iptables([["raw", chain, "-d", address, *large] for chain in chains]):
            yield

    @contextmanager
    def dropping(self, port: int) -> Iterator[None]:
        """Lose every packet to one TCP port: connections to it hang."""
        match = ["-d", self.address, "-p", "tcp", "--dport", str(port)]
        with self._iptables([["raw", "PREROUTING", *match, "-j", "DROP"]]):
            yield

    @contextmanager
    def cut_off(self, port: int) -> Iterator[None]:
        """Lose every packet to and from one TCP port: connections to it are there, and silent."""
        back = ["-s", self.address, "-p", "tcp", "--sport", str(port)]
        with self.dropping(port), self._iptables([["raw", "OUTPUT", *back, "-j", "DROP"]]):
            yield

    @contextmanager
    def resetting(self, port: int) -> Iterator[None]:
        """Answer every packet to one TCP port with a reset: connections are refused, or die."""
        # A container's port is translated before these chains see it; conntrack knows the original.
        original = ["--ctorigdst", self.address, "--ctorigdstport", str(port)]
        match = ["-p", "tcp", "-m", "conntrack", *original]
        reject = ["-j", "REJECT", "--reject-with", "tcp-reset"]
        with self._iptables([["filter", c, *match, *reject] for c in ("INPUT", "FORWARD")]):
            yield

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Hang the whole host: connections stay open, nothing answers."""
        try:
            with frozen(self.container):
                yield
        finally:
            self.wait_ready()

    @contextmanager
    def powered_off(self) -> Iterator[None]:
        """Lose power for the length of the block; after it the server has booted again."""
        self.kill_power()
        try:
            yield
        finally:
            self.power_on()

    def kill_power(self) -> None:
        """Lose power now. ``power_on`` boots again."""
        docker("kill", self.container)

    def power_on(self) -> None:
        """Boot after a loss of power; returns when sshd and the engine answer."""
        docker("start", self.container)
        self.wait_ready()

    def reboot(self) -> None:
        """Shut down in order and boot; returns when sshd and the engine answer."""
        deadline = SHUTDOWN_DEADLINE
        docker("restart", "-t", str(deadline), self.container, timeout=deadline + 30)
        self.wait_ready()

    def restart_engine(self) -> None:
        """Restart the server's own engine, and its containers with it; returns when it answers."""
        old = self.must(["pidof", "dockerd"])
        self.must(["pkill", "-x", "dockerd"])
        wait_until(
            lambda: self.exec(["pidof", "dockerd"]).stdout not in ("", old),
            f"{self.name}: a new dockerd",
            SHUTDOWN_DEADLINE,
        )
        self.wait_ready()

    @contextmanager
    def slow(self, rate: str = "1mbit") -> Iterator[None]:
        """Limit what the server sends, and what it receives, to a rate as ``tc`` writes it."""
        try:
            self.must(["sh", "-c", SLOW, "slow", rate, self.address])
            yield
        finally:
            self.exec(["sh", "-c", NOT_SLOW, "slow", self.address], user="root")

    @contextmanager
    def delayed(self, milliseconds: float, port: int = 22) -> Iterator[tuple[str, int]]:
        """Put a round-trip time before one port; yields the (host, port) to connect to."""
        with relay.delay(("127.0.0.1", self.ports[port]), milliseconds / 1000) as address:
            yield address

    @contextmanager
    def full_disk(self, path: str = "/opt", free: int = 0) -> Iterator[None]:
        """Fill the disk that holds ``path`` until about ``free`` bytes are left.

        A server has one disk for ``/home``, ``/opt`` and its engine's data, as most have.
        """
        try:
            self.must(["sh", "-c", FULL, "full", path, str(free)])
            yield
        finally:
            self.must(["rm", "-f", "/disk/.ballast", "/disk/.ballast-rest"])

    @contextmanager
    def _iptables(self, rules: Sequence[Sequence[str]]) -> Iterator[None]:
        try:
            for table, chain, *rule in rules:
                self.must(["iptables", "-w", "-t", table, "-I", chain, *rule])
            yield
        finally:
            for table, chain, *rule in rules:
                self.exec(["iptables", "-w", "-t", table, "-D", chain, *rule], user="root")
