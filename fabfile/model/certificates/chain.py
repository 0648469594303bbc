"""A chain of certificates, judged as those who connect judge it: all of it, not its leaf alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)

SOON = 14
"""Days before its end from which on a certificate is a problem."""
DAY = 86400
FILE = "certs/fullchain.pem"
EXTENSION = TypeVar("EXTENSION", bound=x509.ExtensionType)


def chain_of(pem: str) -> list[x509.Certificate]:
    """The certificates of a PEM text; none when one of them cannot be read."""
    try:
        chain = x509.load_pem_x509_certificates(pem.encode())
        for one in chain:  # what cannot be read of one is only told when it is asked for
            list(one.extensions)
            one.public_key()
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension):
        return []
    return chain


def names_of(leaf: x509.Certificate) -> list[x509.GeneralName]:
    """The domains and addresses that a certificate is for."""
    found = _extension(leaf, x509.SubjectAlternativeName)
    return list(found) if found else []


def of_time(chain: Sequence[x509.Certificate], now: float) -> list[str]:
    """What is wrong with how long each is valid still. ``now``: seconds since 1970."""
    return [
        f"{'it' if number == 1 else _told(number, one)} {wrong}"
        for number, one in enumerate(chain, start=1)
        if (wrong := _time(one, now))
    ]


def of_chain(chain: Sequence[x509.Certificate], now: float) -> list[str]:
    """Why those who connect would refuse the chain, each one line."""
    leaf, *above = chain
    if not above and leaf.issuer == leaf.subject:
        return []  # self-made: trusted as it stands, or not at all
    if not above:
        missing = leaf.issuer.rfc4514_string()
        return [f"{FILE} does not hold the chain below it: {missing} is missing"]
    for number, (issued, issuer) in enumerate(pairwise(chain), start=1):
        try:
            issued.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            return [f"{FILE}: certificate {number + 1} did not issue certificate {number}"]
    uses = [
        _of_key(leaf),
        _of_leaf(leaf),
        *(_of_issuer(number, one) for number, one in enumerate(above, 2)),
    ]
    if found := [wrong for wrong in uses if wrong]:
        return found
    if any(_is_outside(one, now) for one in chain):
        return []  # told by its time
    return _of_path(chain, now)


def _of_path(chain: Sequence[x509.Certificate], now: float) -> list[str]:
    """What a client says that trusts the last one: constraints, keys, signatures, extensions."""
    subject = next((name for one in names_of(chain[0]) if (name := _subject(one))), None)
    if subject is None:
        return []  # it is for no name that is asked for, which its names tell
    permissive = ExtensionPolicy.permit_all()
    issuers = permissive.require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
    leaves = permissive.require_present(x509.SubjectAlternativeName, Criticality.AGNOSTIC, None)
    builder = PolicyBuilder().store(Store([chain[-1]])).time(datetime.fromtimestamp(now, UTC))
    builder = builder.extension_policies(ca_policy=issuers, ee_policy=leaves)
    try:
        builder.build_server_verifier(subject).verify(chain[0], list(chain[1:-1]))
    except VerificationError as error:
        said = str(error).partition(" (encountered")[0].rpartition("candidates exhausted: ")[2]
        return [f"{FILE}: clients refuse this chain: {said.removeprefix('validation failed: ')}"]
    return []


def _subject(name: x509.GeneralName) -> x509.DNSName | x509.IPAddress | None:
    """A name as somebody asks for it; None for one that nobody can ask for."""
    if isinstance(name, x509.DNSName):
        return x509.DNSName(name.value.replace("*", "any", 1))
    return name if isinstance(name, x509.IPAddress) else None


def _of_key(leaf: x509.Certificate) -> str:
    """Browsers take RSA of 2048 bits or more, P-256 and P-384."""
    key = leaf.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        kind = f"RSA of {key.key_size} bits" if key.key_size < 2048 else ""
    elif isinstance(key, ec.EllipticCurvePublicKey):
        kind = key.curve.name if key.curve.name not in ("secp256r1", "secp384r1") else ""
    else:
        kind = type(key).__name__.removesuffix("PublicKey").lstrip("_")
    return f"its key is {kind}; browsers take RSA of 2048 bits, P-256 or P-384" if kind else ""


def _of_leaf(leaf: x509.Certificate) -> str:
    constraints = _extension(leaf, x509.BasicConstraints)
    usage = _extension(leaf, x509.KeyUsage)
    if constraints and constraints.ca:
        return "it is the certificate of an authority, not of a server"
    if usage and not usage.digital_signature:
        return "its keyUsage lacks digitalSignature"
    if not _serves(leaf, ExtendedKeyUsageOID.SERVER_AUTH):
        return "its extendedKeyUsage lacks serverAuth"
    return ""


def _of_issuer(number: int, issuer: x509.Certificate) -> str:
    constraints = _extension(issuer, x509.BasicConstraints)
    usage = _extension(issuer, x509.KeyUsage)
    told = _told(number, issuer)
    if not constraints or not constraints.ca:
        return f"{told} is no CA: it may sign no certificate"
    if usage and not usage.key_cert_sign:
        return f"{told} may sign no certificate: its keyUsage lacks keyCertSign"
    either = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
    if not any(_serves(issuer, one) for one in either):
        return f"{told} may sign for no server: its extendedKeyUsage lacks serverAuth"
    return ""


def _serves(one: x509.Certificate, use: x509.ObjectIdentifier) -> bool:
    found = _extension(one, x509.ExtendedKeyUsage)
    return found is None or use in found


def _time(one: x509.Certificate, now: float) -> str:
    end = one.not_valid_after_utc
    day = end.date().isoformat()
    if now >= end.timestamp():
        return f"ended on {day}"
    if now < one.not_valid_before_utc.timestamp():
        return "is not valid yet; is the server's clock right?"
    if (days := int((end.timestamp() - now) // DAY)) < SOON:
        return f"ends on {day}, in {days} day{'' if days == 1 else 's'}"
    return ""


def _is_outside(one: x509.Certificate, now: float) -> bool:
    begin, end = one.not_valid_before_utc.timestamp(), one.not_valid_after_utc.timestamp()
    return not begin <= now < end


def _told(number: int, one: x509.Certificate) -> str:
    return f"{FILE}: certificate {number} ({one.subject.rfc4514_string()})"


def _extension(one: x509.Certificate, kind: type[EXTENSION]) -> EXTENSION | None:
    try:
        return one.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
