"""What a certificate in PEM text says of itself, and what is wrong with the one of a server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from .chain import DAY, chain_of, names_of, of_chain, of_time


def is_self_made(pem: str) -> bool:
    """Whether it is the self-signed one that a new server starts with."""
    chain = chain_of(pem)
    return bool(chain) and chain[0].issuer == chain[0].subject


def is_readable(pem: str) -> bool:
    """Whether there is a certificate in the text at all."""
    return bool(chain_of(pem))


def anchor(pem: str) -> str:
    """What a caller must trust to trust this chain: the authority at its end that signed itself.

    A chain without one is trusted as it stands.
    """
    chain = chain_of(pem)
    if not chain or chain[-1].issuer != chain[-1].subject:
        return pem.strip()
    return chain[-1].public_bytes(Encoding.PEM).decode().strip()


def ends(pem: str) -> float:
    """When the first certificate in the text ends, seconds since 1970; 0 when there is none."""
    chain = chain_of(pem)
    return chain[0].not_valid_after_utc.timestamp() if chain else 0


def serial(pem: str) -> str:
    """The serial number of the first certificate in the text; empty when there is none."""
    chain = chain_of(pem)
    return f"{chain[0].serial_number:x}" if chain else ""


def is_same(one: str, other: str) -> bool:
    """Whether two texts hold the same certificates, in the same order."""
    return chain_of(one) == chain_of(other)


@dataclass(frozen=True)
class Sighting:
    """A server's certificate: what is on its disk, what its proxy serves, what it was issued."""

    pem: str
    """``certs/fullchain.pem``."""
    key: str
    """The public half of ``certs/privkey.pem``; empty when it cannot be read."""
    served: Mapping[str, str]
    """``NAME:PORT`` → the chain that is served there; empty when none is."""
    issued: str = ""
    """The newest certificate that the server's authority gave; empty when it gave none."""
    issued_key: str = ""
    """The public half of its key."""
    known: frozenset[str] = frozenset()
    """Serial numbers of all certificates that this authority ever gave."""
    now: float = 0
    """The server's clock, seconds since 1970."""

    def shows(self, pem: str) -> bool:
        """Whether this certificate and its chain are on disk, and served wherever one is."""
        return all(is_same(one, pem) for one in (self.pem, *self.served.values()))

    @property
    def is_own(self) -> bool:
        """Whether the one on disk is somebody's own: neither self-made nor of our authority."""
        return bool(chain_of(self.pem)) and not (
            is_self_made(self.pem) or serial(self.pem) in self.known
        )

    @property
    def ending(self) -> list[str]:
        """What is wrong with how long the one on disk is valid still, if anything."""
        return ending(self.pem, self.now)

    @property
    def is_behind(self) -> bool:
        """Whether what was issued should be on disk and served, and is not."""
        return bool(serial(self.issued)) and not self.is_own and not self.shows(self.issued)

    def problems_of_issued(self, wanted: Sequence[str]) -> list[str]:
        """Why the server should not be given what was issued, each one line."""
        return Sighting(self.issued, self.issued_key, {}).problems(wanted, self.now)

    def view(self, wanted: Sequence[str], now: float) -> dict[str, Any]:
        """Everything about it, as the stable JSON of ``docs/json.md``."""
        leaf = next(iter(chain_of(self.pem)), None)
        return {
            "names": list(_names(leaf)) if leaf else [],
            "issuer": leaf.issuer.rfc4514_string() if leaf else "",
            "self_made": is_self_made(self.pem),
            "serial": serial(self.pem),
            "ends": int(leaf.not_valid_after_utc.timestamp()) if leaf else None,
            "days": int((leaf.not_valid_after_utc.timestamp() - now) // DAY) if leaf else None,
            "served": {place: serial(pem) for place, pem in self.served.items()},
            "issued": serial(self.issued),
            "problems": self.problems(wanted, now),
        }

    def problems(self, wanted: Sequence[str], now: float) -> list[str]:
        """What is wrong with it, each one line. ``wanted`` are the names that it must be for."""
        chain = chain_of(self.pem)
        if not chain:
            return ["certs/fullchain.pem is no certificate"]
        return [
            *of_time(chain, now),
            *self._of_names(wanted),
            *of_chain(chain, now),
            *self._of_key(chain[0]),
            *self._of_serving(),
            *self._of_issue(),
        ]

    def _of_names(self, wanted: Sequence[str]) -> list[str]:
        missing = not_for(self.pem, wanted)
        return [f"it is not for {', '.join(missing)}"] if missing else []

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
            elif not is_same(pem, self.pem):
                found.append(
                    f"{place} serves certificate {serial(pem)} with another chain than the one on"
                    " disk: the proxy has not loaded it"
                )
        return found

    def _of_issue(self) -> list[str]:
        if not self.is_behind or is_same(self.issued, self.pem):
            return []
        return [f"certificate {serial(self.issued)} was issued, and is not on disk: fab ssl.renew"]


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


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    return tuple(str(name.value) for name in names_of(leaf))


def ending(pem: str, now: float) -> list[str]:
    """What is wrong with how long the certificates in the text are valid still, if anything."""
    return of_time(chain_of(pem), now)


def names_in(pem: str) -> tuple[str, ...]:
    """The domains and addresses that the first certificate in the text is for."""
    chain = chain_of(pem)
    return _names(chain[0]) if chain else ()


def not_for(pem: str, wanted: Iterable[str]) -> list[str]:
    """Those of the names that the first certificate in the text is not for."""
    names = names_in(pem)
    wild = {name.removeprefix("*") for name in names if name.startswith("*.")}
    return [
        name for name in wanted if name not in names and f".{name.partition('.')[2]}" not in wild
    ]
