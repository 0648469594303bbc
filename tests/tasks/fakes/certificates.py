"""Certificates, as ``openssl`` would make them on a server and an authority elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address, ip_network

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@cache
def self_made(name: str, domains: tuple[str, ...] = (), days: int = 3650) -> str:
    """A self-signed certificate in PEM text; the same one for the same words."""
    return _signed(generate_private_key(SECP256R1()), name, domains, days)


def _signed(key: EllipticCurvePrivateKey, name: str, domains: tuple[str, ...], days: int) -> str:
    subject = _named(name)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(days)
        .add_extension(x509.SubjectAlternativeName(map(_general, domains)), critical=False)
        .not_valid_before(BEGIN)
        .not_valid_after(BEGIN + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM).decode()


def pair(name: str, domains: tuple[str, ...], days: int = 3650) -> tuple[str, str]:
    """A self-signed certificate and its private key."""
    key = generate_private_key(SECP256R1())
    return _signed(key, name, domains, days), _text(key)


def public_half(key: str, pem: str) -> str:
    """The public half of a private key; of ``key`` it is the certificate's, which it stands for."""
    form = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    if key == "key\n" and pem:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        return certificate.public_key().public_bytes(*form).decode()
    if "PRIVATE KEY" in key:
        return load_pem_private_key(key.encode(), None).public_key().public_bytes(*form).decode()
    return ""


def authority(name: str, days: int, now: int, permitted: tuple[str, ...] = ()) -> str:
    """The key and the certificate of an authority in one PEM text."""
    key = generate_private_key(SECP256R1())
    subject = _named(name)
    builder = _begun(subject, subject, key.public_key(), days, now)
    builder = builder.add_extension(x509.BasicConstraints(True, None), critical=True)
    if permitted:
        networks = [x509.IPAddress(ip_network(address)) for address in permitted]
        builder = builder.add_extension(x509.NameConstraints(networks, None), critical=True)
    return _text(key) + builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def signed(by: str, domains: tuple[str, ...], days: int, now: int) -> tuple[str, str]:
    """A certificate of an authority with that one's own behind it, and its private key."""
    signer = load_pem_private_key(by.encode(), None)
    assert isinstance(signer, EllipticCurvePrivateKey)
    above = x509.load_pem_x509_certificate(by.encode())
    key = generate_private_key(SECP256R1())
    builder = _begun(above.subject, _named(domains[0]), key.public_key(), days, now)
    names = x509.SubjectAlternativeName(map(_general, domains))
    leaf = builder.add_extension(names, critical=False).sign(signer, hashes.SHA256())
    chain = [one.public_bytes(Encoding.PEM).decode() for one in (leaf, above)]
    return "".join(chain), _text(key)


def trusted(by: str, served: str) -> bool:
    """Whether somebody who trusts these certificates trusts what is served."""
    if not by.strip() or not served.strip():
        return False
    anchors = x509.load_pem_x509_certificates(by.encode())
    leaf = x509.load_pem_x509_certificate(served.encode())
    return any(anchor == leaf or _issued(anchor, leaf) for anchor in anchors)


def _issued(anchor: x509.Certificate, leaf: x509.Certificate) -> bool:
    try:
        leaf.verify_directly_issued_by(anchor)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _begun(
    issuer: x509.Name, subject: x509.Name, key: EllipticCurvePublicKey, days: int, now: int
) -> x509.CertificateBuilder:
    begin = datetime.fromtimestamp(now, UTC)
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=days))
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _text(key: EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
