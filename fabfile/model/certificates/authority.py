"""The private authority of a called server: for whom it may sign, and when it is time to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from cryptography import x509

from .certificate import Sighting, anchor, ends
from .chain import DAY

LEAF_DAYS = 90
"""Validity of a certificate of the authority."""
RENEW = 30
"""Days before its end from which on it is renewed."""
AUTHORITY_DAYS = 3650
"""Validity of the authority itself; renewed as long before its end as a certificate may live."""
NOBODY = "invalid"
"""The domain below which nobody can be (RFC 2606): who may sign for no name signs for these."""


@dataclass(frozen=True)
class Due:
    """What must be made anew, and why; empty: nothing."""

    authority: str = ""
    certificate: str = ""

    def __bool__(self) -> bool:
        return bool(self.authority or self.certificate)


def due(authority: str, seen: Sighting, wanted: Sequence[str], *, force: bool = False) -> Due:
    """What must be made anew of the authority (PEM text; empty: none) and of what it issued."""
    if why := _due_authority(authority, wanted, seen.now):
        return Due(why, why)
    if not seen.issued.strip():
        return Due("", "none yet")
    if anchor(seen.issued) != anchor(authority):
        return Due("", "of another authority")
    if wrong := seen.problems_of_issued(wanted):
        return Due("", wrong[0])
    days = int((ends(seen.issued) - seen.now) // DAY)
    if days < RENEW:
        return Due("", f"{days} days left")
    return Due("", "asked for" if force else "")


def _due_authority(authority: str, wanted: Sequence[str], now: float) -> str:
    if not ends(authority):
        return "none yet"
    if not all(permits(authority, name) for name in wanted):
        return f"it may not sign for {', '.join(wanted)}"
    if (days := int((ends(authority) - now) // DAY)) < LEAF_DAYS + RENEW:
        return f"the authority has {days} days left"
    return ""


def permits(authority: str, name: str) -> bool:
    """Whether an authority may sign for a domain or address."""
    certificate = x509.load_pem_x509_certificate(authority.encode())
    try:
        found = certificate.extensions.get_extension_for_class(x509.NameConstraints)
    except x509.ExtensionNotFound:
        return True
    permitted = [tree.value for tree in found.value.permitted_subtrees or ()]
    if address := as_address(name):
        return ip_network(address) in permitted
    return name in permitted


def constraints(names: Sequence[str]) -> str:
    """The extension that lets an authority sign for these domains and addresses alone."""
    permitted = [f"IP:{a}/{_ones(a)}" if (a := as_address(n)) else f"DNS:{n}" for n in names]
    # A kind of name of which none is permitted would not be limited at all.
    if not any(one.startswith("DNS:") for one in permitted):
        permitted.append(f"DNS:{NOBODY}")
    if not any(one.startswith("IP:") for one in permitted):
        permitted.append("IP:255.255.255.255/255.255.255.255")
    return ",".join(f"permitted;{one}" for one in permitted)


def alternatives(names: Sequence[str]) -> str:
    """The domains and addresses that a certificate is for, as openssl reads them."""
    return ",".join(f"{'IP' if as_address(name) else 'DNS'}:{name}" for name in names)


def as_address(name: str) -> IPv4Address | IPv6Address | None:
    """A name as an address; None for a domain."""
    try:
        return ip_address(name)
    except ValueError:
        return None


def _ones(address: IPv4Address | IPv6Address) -> str:
    """The mask that means this address alone."""
    return str(type(address)(int.from_bytes(b"\xff" * (address.max_prefixlen // 8), "big")))
