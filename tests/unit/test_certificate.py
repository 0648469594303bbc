"""Certificates: whether one is the self-made one that a new server starts with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from fabfile.model.certificates.certificate import Sighting, is_self_made

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def pem(subject: str, issuer: str, *domains: str) -> str:
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
        .add_extension(x509.SubjectAlternativeName(map(x509.DNSName, domains)), critical=False)
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


def told(chain: str, wanted: tuple[str, ...] = (), now: datetime = BEGIN) -> list[str]:
    """The problems of a certificate but for its key, which these tests do not have."""
    problems = Sighting(chain, "", {}).problems(wanted, now.timestamp())
    return [problem for problem in problems if "privkey" not in problem]


def test_a_chain_that_is_out_of_order_is_a_problem() -> None:
    leaf, other = pem("app.example", "An Authority"), pem("Another", "Another")
    wrong = "certs/fullchain.pem: certificate 2 did not issue certificate 1"
    assert wrong in told(leaf + other)
    assert wrong not in told(leaf)


def test_a_chain_that_ends_at_once_is_a_problem_unless_it_signed_itself() -> None:
    missing = "certs/fullchain.pem does not hold the chain below it: CN=An Authority is missing"
    assert missing in told(pem("app.example", "An Authority"))
    assert missing not in told(pem("app.example", "An Authority") + pem("An Authority", "Root"))
    assert not any("chain below" in one for one in told(pem("app.example", "app.example")))


@pytest.mark.parametrize(
    ("after", "problem"),
    [
        (timedelta(seconds=-1), "it is not valid yet; is the server's clock right?"),
        (timedelta(0), "it ends on 2026-01-02, in 1 day"),
        (timedelta(days=1), "it ended on 2026-01-02"),
    ],
)
def test_a_certificate_is_looked_at_by_the_clock_of_its_server(
    after: timedelta, problem: str
) -> None:
    assert told(pem("a", "a"), now=BEGIN + after) == [problem]


def test_a_wildcard_is_for_one_label() -> None:
    certificate = pem("app.example", "app.example", "*.app.example", "app.example")
    wanted = ("app.example", "api.app.example", "a.api.app.example", "example")
    assert "it is not for a.api.app.example, example" in told(certificate, wanted)
