"""Which addresses may be fetched: the public Internet, and what the operator allows by name."""

import asyncio
import socket
from ipaddress import ip_address

import httpx


class Refused(Exception):
    """The address must not be fetched; the text says why."""


async def addresses_of(host: str) -> set[str]:
    """Every address that the name stands for. Raises Refused when there is none."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Refused(f"{host} has no address") from None
    # A scoped IPv6 address carries its interface after a percent sign.
    return {str(entry[4][0]).partition("%")[0] for entry in found}


def is_public(address: str) -> bool:
    """Whether an address belongs to the public Internet, also an IPv4 address in IPv6 dress."""
    parsed = ip_address(address)
    parsed = getattr(parsed, "ipv4_mapped", None) or parsed
    return parsed.is_global and not parsed.is_multicast


async def require_public(url: httpx.URL, allowed_hosts: frozenset[str]) -> None:
    """Raise Refused unless it is http(s) and its host is allowed or has public addresses only."""
    if url.scheme not in ("http", "https") or not url.host:
        raise Refused("only http and https addresses are fetched")
    if url.host.lower() in allowed_hosts:
        return
    private = sorted(found for found in await addresses_of(url.host) if not is_public(found))
    if private:
        raise Refused(f"{url.host} is a private address")
