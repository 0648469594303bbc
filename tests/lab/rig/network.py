"""The lab's network: a free subnet, fixed addresses, free ports."""

from __future__ import annotations

import json
import re
import socket
from ipaddress import IPv4Network
from pathlib import Path

from . import containers
from .docker import LabError, docker
from .place import Place

# Below the range from which the kernel takes ports for others: a server that is down keeps its own.
PORTS = range(20000, 32000)
ROUTES = Path("/proc/net/route")
MTU_OPTION = "com.docker.network.driver.mtu"


def ensure(place: Place) -> None:
    """Create the lab's network, once, on a subnet that neither engine nor machine uses."""
    if not docker("network", "inspect", place.network, check=False).returncode:
        return
    words = ["network", "create", "--label", place.label]
    if size := _mtu():
        words += ["-o", f"{MTU_OPTION}={size}"]
    taken = _taken()
    for third in place.shuffled(range(256)):
        subnet = IPv4Network(f"172.30.{third}.0/24")
        if any(subnet.overlaps(other) for other in taken):
            continue
        made = docker(*words, "--subnet", str(subnet), place.network, check=False)
        if made.returncode == 0:
            return
        if "overlap" not in made.stderr:
            raise LabError(f"docker network create failed: {made.stderr.strip()}")
    raise LabError("no free subnet in 172.30.0.0/16")


def address(place: Place, number: int) -> str:
    """The lab's address with this last number."""
    shown = docker("network", "inspect", "--format", "{{json .IPAM.Config}}", place.network)
    return str(IPv4Network(json.loads(shown.stdout)[0]["Subnet"])[number])


def free_ports(place: Place, count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody has; the same ones each time as long as they are free."""
    taken = {
        port for name in containers.all_of(place) for port in containers.published(name).values()
    }
    found: list[int] = []
    for port in place.shuffled(PORTS):
        if port not in taken and _is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    raise LabError("no free ports on 127.0.0.1")


def resolvers(image: str) -> str:
    """The name servers that containers can reach: those that the engine itself gives one."""
    words = ["run", "--rm", "--network", "bridge", "--entrypoint", "cat", image]
    shown = docker(*words, "/etc/resolv.conf").stdout
    return " ".join(re.findall(r"^nameserver\s+(\S+)", shown, re.MULTILINE))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _taken() -> list[IPv4Network]:
    ids = docker("network", "ls", "-q").stdout.split()
    networks = json.loads(docker("network", "inspect", *ids).stdout)
    subnets = [
        config["Subnet"]
        for network in networks
        for config in network["IPAM"]["Config"] or []
        if ":" not in config["Subnet"]
    ]
    for fields in _routes():
        if fields[1] != "00000000":
            subnets.append(f"{_dotted(fields[1])}/{_dotted(fields[7])}")
    return [IPv4Network(subnet, strict=False) for subnet in subnets]


def _routes() -> list[list[str]]:
    """The kernel's routes: device, destination, …, mask; none where there is no such file."""
    lines = ROUTES.read_text().splitlines()[1:] if ROUTES.exists() else []
    return [line.split() for line in lines]


def _dotted(little_endian: str) -> str:
    return ".".join(str(byte) for byte in reversed(bytes.fromhex(little_endian)))


def _mtu() -> str:
    """The packet size of the way out, where it can be told: larger ones may vanish on the way."""
    for device, destination, *_ in _routes():
        if destination == "00000000":
            return Path(f"/sys/class/net/{device}/mtu").read_text().strip()
    return ""
