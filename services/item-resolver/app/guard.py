"""Which addresses may be fetched: the public Internet, and what the operator allows by name."""

import asyncio
import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx

from app.text import STEERING

# A database or a mail server on a public address is no shop.
PORTS = frozenset({80, 443, 8080, 8443})
LOOKUP_SECONDS = 10.0
# Versions of Python differ in what they call global; these never are.
CLOSED_V4 = tuple(map(ip_network, ("192.0.0.0/24", "192.88.99.0/24")))
# All that is handed out of IPv6; addresses with one of IPv4 in them (mapped, NAT64) lie elsewhere.
OPEN_V6 = ip_network("2000::/3")
# Teredo and its neighbours, 6to4, documentation.
CLOSED_V6 = tuple(map(ip_network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))


class Refused(Exception):
    """The address must not be fetched; the text says why."""


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address belongs to the public Internet and is one machine's."""
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if address.version == 4:
        return not any(address in network for network in CLOSED_V4)
    return address in OPEN_V6 and not any(address in network for network in CLOSED_V6)


def literal(host: str) -> IPv4Address | IPv6Address | None:
    """The address a host is written as; None for a name.

    Raises Refused for the forms (one number, octal, hexadecimal) that some readers take for an
    address and others for a name.
    """
    try:
        return ip_address(host)
    except ValueError:
        if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", host.rpartition(".")[2]):
            raise Refused(f"{host} is no plain address") from None
    return None


@dataclass(frozen=True)
class Guard:
    """What may be connected to; `allowed` holds hosts, or host:port, that may also be private."""

    allowed: frozenset[str] = frozenset()

    def require_web_page(self, text: str) -> None:
        """Raise Refused for what can be seen to be no public web address. Looks no name up."""
        if STEERING.search(text):
            raise Refused("an address holds no control characters")
        try:
            url = httpx.URL(text)
        except httpx.InvalidURL:
            raise Refused("no address of a web page") from None
        if url.scheme not in ("http", "https") or not url.host:
            raise Refused("only http and https addresses are fetched")
        if url.userinfo:
            raise Refused("an address with a password in it is not fetched")
        host = _plain(url.host)
        if not re.fullmatch(r"[\w.-]+|[0-9a-f.:]+(%\w+)?", host):
            raise Refused("no address of a web page")
        self._require_port(host, url.port or {"http": 80, "https": 443}[url.scheme])
        if (address := literal(host)) and not self._allows(host, url.port):
            _require_public(host, [address])

    async def addresses(self, host: str, port: int) -> list[str]:
        """Where a connection to this host may go: exactly these addresses, looked up once.

        Raises Refused when one of them is not public, OSError when there is none.
        """
        host = _plain(host)
        self._require_port(host, port)
        address = literal(host)
        found = [address] if address else await _look_up(host)
        if not self._allows(host, port):
            _require_public(host, found)
        return [str(one) for one in found]

    def _allows(self, host: str, port: int | None) -> bool:
        return host in self.allowed or f"{host}:{port}" in self.allowed

    def _require_port(self, host: str, port: int) -> None:
        if port not in PORTS and not self._allows(host, port):
            raise Refused(f"port {port} is not a web server's")


def _plain(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


def _require_public(host: str, addresses: list[IPv4Address | IPv6Address]) -> None:
    if not all(map(is_public, addresses)):
        raise Refused(f"{host} is a private address")


async def _look_up(host: str) -> list[IPv4Address | IPv6Address]:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(LOOKUP_SECONDS):
            found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"{host} is no name") from error
    return [ip_address(entry[4][0]) for entry in found]
