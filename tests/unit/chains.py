"""Certificates that sign each other, right but for what a test asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
NOW = BEGIN + timedelta(days=1)
SITE = "app.example"
SERVER = ExtendedKeyUsageOID.SERVER_AUTH
CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH


def usage(*of: str) -> x509.KeyUsage:
    """A keyUsage that has these alone."""
    names = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
        *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{name: name in of for name in names})


@dataclass(frozen=True)
class Made:
    """A certificate and the key that it is for."""

    name: str
    certificate: x509.Certificate
    key: Any = field(repr=False)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def secret(self) -> str:
        form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return str(self.key.private_bytes(*form).decode())


def made(
    name: str,
    by: Made | None = None,
    *extensions: x509.ExtensionType,
    key: Any = None,
    days: float = 3650,
    begin: datetime = BEGIN,
) -> Made:
    """A certificate that ``by`` issued, or else it itself."""
    own = key or generate_private_key(SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(by.name if by else name))
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=days))
    )
    for one in extensions:
        builder = builder.add_extension(one, critical=not isinstance(one, x509.ExtendedKeyUsage))
    signer = by.key if by else own
    return Made(name, builder.sign(signer, hashes.SHA256()), own)


def issuer(
    name: str,
    by: Made | None = None,
    *more: x509.ExtensionType,
    depth: int | None = None,
    **how: Any,
) -> Made:
    """An authority."""
    ca = x509.BasicConstraints(ca=True, path_length=depth)
    signs = usage("key_cert_sign", "crl_sign")
    return made(name, by, ca, signs, *more, **how)


def leaf(by: Made, *more: x509.ExtensionType, names: Sequence[str] = (SITE,), **how: Any) -> Made:
    """A certificate of a server."""
    alternatives = x509.SubjectAlternativeName([x509.DNSName(one) for one in names])
    return made(names[0], by, alternatives, *more, **how)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
