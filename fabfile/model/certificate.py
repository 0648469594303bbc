"""What a certificate in PEM text says of itself, and what is wrong with the one of a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

SOON = 14
"""Days before its end from which on a certificate is a problem."""
DAY = 86400


def is_self_made(pem: str) -> bool:
    """Whether it is the self-signed one that a new server starts with."""
    chain = _chain(pem)
    return bool(chain) and chain[0].issuer == chain[0].subject


def is_readable(pem: str) -> bool:
    """Whether there is a certificate in the text at all."""
    return bool(_chain(pem))


def serial(pem: str) -> str:
    """The serial number of the first certificate in the text; empty when there is none."""
    chain = _chain(pem)
    return f"{chain[0].serial_number:x}" if chain else ""


@dataclass(frozen=True)
class Sighting:
    """A server's certificate: what is on its disk, and what its proxy serves."""

    pem: str
    """``certs/fullchain.pem``."""
    key: str
    """The public half of ``certs/privkey.pem``; empty when it cannot be read."""
    served: Mapping[str, str]
    """``NAME:PORT`` → the certificate that is served there; empty when none is."""

    def view(self, wanted: Sequence[str], now: float) -> dict[str, Any]:
        """Everything about it, as the stable JSON of ``docs/json.md``."""
        leaf = next(iter(_chain(self.pem)), None)
        return {
            "names": list(_names(leaf)) if leaf else [],
            "issuer": leaf.issuer.rfc4514_string() if leaf else "",
            "self_made": is_self_made(self.pem),
            "serial": serial(self.pem),
            "ends": int(leaf.not_valid_after_utc.timestamp()) if leaf else None,
            "days": int((leaf.not_valid_after_utc.timestamp() - now) // DAY) if leaf else None,
            "served": {place: serial(pem) for place, pem in self.served.items()},
            "problems": self.problems(wanted, now),
        }

    def problems(self, wanted: Sequence[str], now: float) -> list[str]:
        """What is wrong with it, each one line. ``wanted`` are the names that it must be for."""
        chain = _chain(self.pem)
        if not chain:
            return ["certs/fullchain.pem is no certificate"]
        return [
            *_of_time(chain[0], now),
            *_of_names(chain[0], wanted),
            *_of_chain(chain),
            *self._of_key(chain[0]),
            *self._of_serving(),
        ]

    def _of_key(self, leaf: x509.Certificate) -> list[str]:
        public = leaf.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        if self.key.split() == public.decode().split():
            return []
        return ["certs/privkey.pem is not the key of certs/fullchain.pem"]

    def _of_serving(self) -> list[str]:
        found = []
        for place, pem in self.served.items():
            if not serial(pem):
                found.append(f"{place} serves no certificate")
            elif serial(pem) != serial(self.pem):
                found.append(
                    f"{place} serves certificate {serial(pem)}, not {serial(self.pem)}, which is"
                    " on disk: the proxy has not loaded it"
                )
        return found


def problems_of_pair(pem: str, key: str, wanted: Sequence[str], now: float) -> list[str]:
    """Why a server should not be given this certificate and private key, each one line."""
    if not is_readable(pem):
        return ["the certificate file holds no certificate"]
    try:
        private = load_pem_private_key(key.encode(), password=None)
    except TypeError:
        return ["the key needs a passphrase, and nobody is there to type it when nginx starts"]
    except (ValueError, UnsupportedAlgorithm):
        return ["the key file holds no private key"]
    form = PublicFormat.SubjectPublicKeyInfo
    public = private.public_key().public_bytes(Encoding.PEM, form).decode()
    return Sighting(pem, public, {}).problems(wanted, now)


def _chain(pem: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        return []


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(name.value) for name in extension.value)


def _of_time(leaf: x509.Certificate, now: float) -> list[str]:
    end = leaf.not_valid_after_utc.timestamp()
    day = leaf.not_valid_after_utc.date().isoformat()
    if now >= end:
        return [f"it ended on {day}"]
    if now < leaf.not_valid_before_utc.timestamp():
        return ["it is not valid yet; is the server's clock right?"]
    if (days := int((end - now) // DAY)) < SOON:
        return [f"it ends on {day}, in {days} day{'' if days == 1 else 's'}"]
    return []


def _of_names(leaf: x509.Certificate, wanted: Sequence[str]) -> list[str]:
    names = _names(leaf)
    wild = {name.removeprefix("*") for name in names if name.startswith("*.")}
    missing = [
        name for name in wanted if name not in names and f".{name.partition('.')[2]}" not in wild
    ]
    return [f"it is not for {', '.join(missing)}"] if missing else []


def _of_chain(chain: Sequence[x509.Certificate]) -> list[str]:
    for number, (issued, issuer) in enumerate(pairwise(chain), start=1):
        try:
            issued.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            return [
                f"certs/fullchain.pem: certificate {number + 1} did not issue certificate {number}"
            ]
    return []
