"""Who is in the networks of a server, and what is published there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .meters import objects


@dataclass(frozen=True)
class Member:
    """A container in a network."""

    network: str
    subnet: str
    container: str
    """Empty: nobody is in that network."""
    address: str
    published: tuple[str, ...]
    """``443 → 8443``: a port of the server and that of the container."""

    @property
    def row(self) -> tuple[str, ...]:
        """A row of a table."""
        return (self.network, self.subnet, self.container, self.address, ", ".join(self.published))


EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104
"""Every address of a server."""
MEMBER = ("network", "subnet", "container", "address", "published")


def members(networks: str, ports: str) -> list[Member]:
    """What ``docker network inspect`` and lines ``NAME PORTS`` say; in JSON, one a line."""
    published: dict[str, tuple[str, ...]] = {}
    for line in ports.splitlines():
        name, _, said = line.partition(" ")
        published[name] = tuple(_ports(said))
    found = []
    for network in objects(networks):
        name = str(network.get("Name"))
        configs = (network.get("IPAM") or {}).get("Config") or []
        subnet = ", ".join(str(one.get("Subnet")) for one in configs)
        boxes: Sequence[Mapping[str, Any]] = [*(network.get("Containers") or {}).values()]
        if not boxes and name not in ("bridge", "host", "none"):
            found.append(Member(name, subnet, "", "", ()))
        for one in sorted(boxes, key=lambda box: str(box.get("Name"))):
            box = str(one.get("Name"))
            address = str(one.get("IPv4Address") or one.get("IPv6Address") or "").partition("/")[0]
            found.append(Member(name, subnet, box, address, published.get(box, ())))
    return sorted(found, key=lambda one: (one.network, one.container))


def _ports(said: str) -> Iterator[str]:
    """``{"80/tcp":[{"HostIp":"","HostPort":"80"}]}`` as ``80 → 80``."""
    for one in objects(said):
        for port, places in one.items():
            target, _, protocol = port.partition("/")
            udp = "/udp" if protocol == "udp" else ""
            for place in places or ():
                ip = place.get("HostIp")
                at = f"{ip}:" if ip and ip not in EVERYWHERE else ""
                yield f"{at}{place.get('HostPort')}{udp} → {target}"
