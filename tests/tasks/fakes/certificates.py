"""Self-made certificates, as ``openssl req -x509`` would make them on a server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
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
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
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
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return _signed(key, name, domains, days), key.private_bytes(*form).decode()


def public_half(key: str, pem: str) -> str:
    """The public half of a private key; of ``key`` it is the certificate's, which it stands for."""
    form = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    if key == "key\n" and pem:
        certificate = x509.load_pem_x509_certificate(pem.encode())
        return certificate.public_key().public_bytes(*form).decode()
    if "PRIVATE KEY" in key:
        return load_pem_private_key(key.encode(), None).public_key().public_bytes(*form).decode()
    return ""


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
