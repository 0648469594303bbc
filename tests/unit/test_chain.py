"""Chains: every certificate of one is judged, in its place."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

from fabfile.model.certificates.certificate import Sighting, ending, is_readable, problems_of_pair

from .chains import BEGIN, CLIENT, NOW, SERVER, SITE, Made, issuer, leaf, made, usage

FILE = "certs/fullchain.pem"
REFUSED = f"{FILE}: clients refuse this chain"
ROOT = issuer("Root")
MIDDLE = issuer("Middle", ROOT)
LEAF = leaf(MIDDLE, usage("digital_signature"), x509.ExtendedKeyUsage([SERVER]))
UNACCOUNTED = "certificate contains unaccounted-for critical extensions"
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")


def told(*chain: Made) -> list[str]:
    """The problems of a chain but for its key, which these tests do not have."""
    found = Sighting("".join(one.pem for one in chain), "", {}).problems([SITE], NOW.timestamp())
    return [problem for problem in found if "privkey" not in problem]


def under(*more: x509.ExtensionType, **how: Any) -> list[str]:
    """The problems of a chain whose leaf is made so."""
    return told(leaf(MIDDLE, *more, **how), MIDDLE)


def test_a_right_chain_has_no_problem_with_or_without_its_root() -> None:
    assert told(LEAF, MIDDLE) == []
    assert told(LEAF, MIDDLE, ROOT) == []
    assert told(leaf(ROOT), ROOT) == []


@pytest.mark.parametrize("above", [(), (ROOT,)], ids=["at the end", "below its root"])
@pytest.mark.parametrize(
    ("extensions", "problem"),
    [
        ((), "is no CA: it may sign no certificate"),
        ((x509.BasicConstraints(False, None),), "is no CA: it may sign no certificate"),
        (
            (x509.BasicConstraints(True, None), usage("digital_signature")),
            "may sign no certificate: its keyUsage lacks keyCertSign",
        ),
        (
            (x509.BasicConstraints(True, None), x509.ExtendedKeyUsage([CLIENT])),
            "may sign for no server: its extendedKeyUsage lacks serverAuth",
        ),
    ],
    ids=["says nothing", "no CA", "key usage", "extended key usage"],
)
def test_an_intermediate_that_may_not_sign_is_a_problem(
    extensions: tuple[x509.ExtensionType, ...], problem: str, above: tuple[Made, ...]
) -> None:
    middle = made("Middle", ROOT, *extensions)
    assert told(leaf(middle), middle, *above) == [f"{FILE}: certificate 2 (CN=Middle) {problem}"]


@pytest.mark.parametrize(
    ("days", "problem"),
    [
        (0.5, "ended on 2026-01-01"),
        (2, "ends on 2026-01-03, in 1 day"),
        (14.5, "ends on 2026-01-15, in 13 days"),
    ],
)
def test_an_intermediate_that_ends_is_a_problem(days: float, problem: str) -> None:
    middle = issuer("Middle", ROOT, days=days)
    chain = leaf(middle), middle, ROOT
    assert told(*chain) == [f"{FILE}: certificate 2 (CN=Middle) {problem}"]
    assert ending("".join(one.pem for one in chain), NOW.timestamp()) == told(*chain)


def test_an_intermediate_that_is_not_valid_yet_is_a_problem() -> None:
    middle = issuer("Middle", ROOT, begin=BEGIN + timedelta(days=2))
    said = "(CN=Middle) is not valid yet; is the server's clock right?"
    assert told(leaf(middle), middle) == [f"{FILE}: certificate 2 {said}"]


def test_a_root_that_ended_is_a_problem() -> None:
    root = issuer("Root", days=0.5)
    middle = issuer("Middle", root)
    said = f"{FILE}: certificate 3 (CN=Root) ended on 2026-01-01"
    assert told(leaf(middle), middle, root) == [said]


def test_certificates_out_of_order_are_a_problem() -> None:
    assert told(LEAF, ROOT, MIDDLE) == [f"{FILE}: certificate 2 did not issue certificate 1"]
    assert told(LEAF, LEAF, MIDDLE) == [f"{FILE}: certificate 2 did not issue certificate 1"]
    said = f"{FILE}: certificate 3 did not issue certificate 2"
    assert told(LEAF, MIDDLE, MIDDLE) == [said]
    assert told(LEAF, MIDDLE, issuer("Root")) == [said], "one of that name, with another key"


def test_an_issuer_of_the_same_name_with_another_key_is_a_problem() -> None:
    said = f"{FILE}: certificate 2 did not issue certificate 1"
    assert told(LEAF, issuer("Middle", ROOT)) == [said]


@pytest.mark.parametrize("size", [2048, 3072])
def test_rsa_and_ec_may_stand_in_one_chain(size: int) -> None:
    key = rsa.generate_private_key(65537, size)
    assert under(key=key) == []
    middle = issuer("Middle", ROOT, key=key)
    assert told(leaf(middle, key=ec.generate_private_key(ec.SECP384R1())), middle, ROOT) == []


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        (rsa.generate_private_key(65537, 1024), "RSA of 1024 bits"),
        (ec.generate_private_key(ec.SECP521R1()), "secp521r1"),
        (ec.generate_private_key(ec.SECP256K1()), "secp256k1"),
        (ed25519.Ed25519PrivateKey.generate(), "Ed25519"),
        (dsa.generate_private_key(2048), "DSA"),
    ],
    ids=["RSA 1024", "P-521", "secp256k1", "Ed25519", "DSA"],
)
def test_a_key_that_browsers_do_not_take_is_a_problem(key: object, kind: str) -> None:
    assert under(key=key) == [f"its key is {kind}; browsers take RSA of 2048 bits, P-256 or P-384"]


def test_a_weak_key_of_an_intermediate_is_a_problem() -> None:
    middle = issuer("Middle", ROOT, key=rsa.generate_private_key(65537, 1024))
    (said,) = told(leaf(middle), middle, ROOT)
    assert said.startswith(f"{REFUSED}: ")


@pytest.mark.parametrize(
    ("extension", "problem"),
    [
        (x509.ExtendedKeyUsage([CLIENT]), "its extendedKeyUsage lacks serverAuth"),
        (usage("key_encipherment"), "its keyUsage lacks digitalSignature"),
        (
            x509.BasicConstraints(True, None),
            "it is the certificate of an authority, not of a server",
        ),
        (
            UNKNOWN,
            f"{REFUSED}: invalid extension: 1.2.3.4: {UNACCOUNTED}",
        ),
    ],
    ids=["clients only", "key usage", "an authority", "unknown and critical"],
)
def test_a_leaf_that_is_for_no_server_is_a_problem(
    extension: x509.ExtensionType, problem: str
) -> None:
    assert under(extension) == [problem]


@pytest.mark.parametrize("above", [(), (ROOT,)], ids=["at the end", "below its root"])
def test_an_intermediate_that_may_not_sign_for_the_name_is_a_problem(
    above: tuple[Made, ...],
) -> None:
    for domain, problems in (
        (SITE, []),
        ("example", []),
        ("other.example", [f"{REFUSED}: no permitted name constraints matched SAN"]),
    ):
        only = x509.NameConstraints([x509.DNSName(domain)], None)
        middle = issuer("Middle", ROOT, only)
        assert told(leaf(middle), middle, *above) == problems


def test_a_chain_that_is_longer_than_an_authority_lets_it_be_is_a_problem() -> None:
    root = issuer("Root", depth=0)
    middle = issuer("Middle", root)
    assert told(leaf(middle), middle, root) == [f"{REFUSED}: path length constraint violated"]


def test_a_wildcard_is_judged_as_a_name_below_it() -> None:
    certificate = leaf(MIDDLE, names=(f"*.{SITE}", SITE))
    assert told(certificate, MIDDLE) == []


def test_all_that_is_wrong_is_told_at_once() -> None:
    middle = made("Middle", ROOT, days=0.5)
    weak = leaf(middle, x509.ExtendedKeyUsage([CLIENT]), names=("other.example",))
    assert told(weak, middle, ROOT) == [
        f"{FILE}: certificate 2 (CN=Middle) ended on 2026-01-01",
        f"it is not for {SITE}",
        "its extendedKeyUsage lacks serverAuth",
        f"{FILE}: certificate 2 (CN=Middle) is no CA: it may sign no certificate",
    ]


def test_a_certificate_whose_extensions_cannot_be_read_is_none() -> None:
    broken = x509.UnrecognizedExtension(x509.OID_SUBJECT_ALTERNATIVE_NAME, b"\xff\xff")
    text = made(SITE, MIDDLE, broken).pem + MIDDLE.pem
    assert not is_readable(text)
    assert problems_of_pair(text, "", [SITE], NOW.timestamp()) == [
        "the certificate file holds no certificate"
    ]


def test_what_is_served_is_compared_with_its_chain() -> None:
    right, wrong = LEAF.pem + MIDDLE.pem, LEAF.pem + made("Middle", ROOT, key=MIDDLE.key).pem
    seen = Sighting(right, "", {f"{SITE}:443": wrong})
    assert not seen.shows(right)
    assert not Sighting(wrong, "", {f"{SITE}:443": wrong}).shows(right)
    assert Sighting(right, "", {f"{SITE}:443": right}).shows(right)
    number = f"{LEAF.certificate.serial_number:x}"
    assert seen.problems([SITE], NOW.timestamp())[-1] == (
        f"{SITE}:443 serves certificate {number} with another chain than the one on disk:"
        " the proxy has not loaded it"
    )
