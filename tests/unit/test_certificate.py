"""Certificates: whether one is the self-made one that a new server starts with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from fabfile.model.certificate import is_self_made

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def pem(subject: str, issuer: str) -> str:
    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    key = generate_private_key(SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(BEGIN)
        .not_valid_after(BEGIN + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM).decode()


def test_a_certificate_that_is_its_own_issuer_is_self_made() -> None:
    assert is_self_made(pem("app.example", "app.example"))


def test_a_certificate_of_an_authority_is_not() -> None:
    assert not is_self_made(pem("app.example", "An Authority"))


def test_no_certificate_is_not() -> None:
    assert not is_self_made("")


def test_the_first_certificate_of_a_chain_decides() -> None:
    leaf, authority = pem("app.example", "An Authority"), pem("An Authority", "An Authority")
    assert not is_self_made(leaf + authority)
