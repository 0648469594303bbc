"""The lab's network: a free subnet, fixed addresses, free ports."""

from __future__ import annotations

import json
import re
import socket
from ipaddress import IPv4Network
from pathlib import Path

from .docker import LabError, docker
from .place import Place

PORTS = range(20000, 32000)  # below the range from which the kernel takes ports for others


def exists(place: Place) -> bool:
    return not docker("network", "inspect", place.network, check=False).returncode


def create(place: Place) -> None:
    """Create the lab's network on a subnet that neither the engine nor this machine uses."""
    mtu = ["-o", f"com.docker.network.driver.mtu={size}"] if (size := _mtu()) else []
    for third in place.shuffled(range(256)):
        subnet = IPv4Network(f"172.30.{third}.0/24")
        if any(subnet.overlaps(taken) for taken in _taken()):
            continue
        words = ["network", "create", "--label", place.label, "--subnet", str(subnet), *mtu]
        made = docker(*words, place.network, check=False)
        if made.returncode == 0:
            return
        if "overlaps" not in made.stderr:
            raise LabError(f"docker network create failed: {made.stderr.strip()}")
    raise LabError("no free subnet in 172.30.0.0/16")


def address(place: Place, number: int) -> str:
    """The lab's address with this last number."""
    shown = docker(
        "network", "inspect", "--format", "{{(index .IPAM.Config 0).Subnet}}", place.network
    )
    return str(IPv4Network(shown.stdout.strip())[number])


def free_ports(place: Place, count: int, avoid: set[int]) -> list[int]:
    """Ports on 127.0.0.1 that nobody listens on; the same ones each time as long as they are free."""
    found: list[int] = []
    for port in place.shuffled(PORTS):
        if port in avoid:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise LabError("no free ports on 127.0.0.1")


def resolvers(image: str) -> str:
    """The name servers that containers can reach: what the engine gives one on its default network."""
    words = ["run", "--rm", "--network", "bridge", "--entrypoint", "cat", image, "/etc/resolv.conf"]
    return " ".join(re.findall(r"^nameserver\s+(\S+)", docker(*words).stdout, re.MULTILINE))


def _taken() -> list[IPv4Network]:
    ids = docker("network", "ls", "-q").stdout.split()
    listed = json.loads(docker("network", "inspect", *ids).stdout) if ids else []
    subnets = [
        config["Subnet"]
        for network in listed
        for config in network["IPAM"]["Config"] or []
        if ":" not in config["Subnet"]
    ]
    routes = Path("/proc/net/route")
    if routes.exists():
        for line in routes.read_text().splitlines()[1:]:
            fields = line.split()
            if fields[1] != "00000000":
                subnets.append(f"{_dotted(fields[1])}/{_dotted(fields[7])}")
    return [IPv4Network(subnet, strict=False) for subnet in subnets]


def _dotted(little_endian: str) -> str:
    return ".".join(str(byte) for byte in reversed(bytes.fromhex(little_endian)))


def _mtu() -> str:
    """The packet size of the way out, where it can be told; smaller ones get lost without a word."""
    routes = Path("/proc/net/route")
    for line in routes.read_text().splitlines()[1:] if routes.exists() else []:
        device, destination = line.split()[:2]
        if destination == "00000000":
            return Path(f"/sys/class/net/{device}/mtu").read_text().strip()
    return ""
