"""The names that gates ask: what hosts.ini and the certificate must know of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography import x509

from fabfile.model.deploy.naming import asked_of, name_problems
from fabfile.model.deploy.trusting import made_anew
from fabfile.model.hints import Gate
from fabfile.model.probe import Probe
from fabfile.model.stack import Stack

from .builders import CHECKOUT, SERVER, STACK, facts, target
from .chains import SITE, issuer, leaf, made
from .planning import with_service

AUTHORITY = issuer("Nobody's authority")
OWN = leaf(AUTHORITY, names=(SITE, "*.app.example")).pem
SELF_MADE = made(SITE, None, x509.SubjectAlternativeName([x509.DNSName(SITE)])).pem


def asking(*urls: str) -> Stack:
    gates = tuple(Gate(f"gate-{number}", url, Probe()) for number, url in enumerate(urls, start=1))
    return with_service("proxy", hints=replace(STACK.service("proxy").hints, gates=gates))


def found(*urls: str, domains: tuple[str, ...] = (SITE,), pem: str = "", key: str = "") -> str:
    server = replace(SERVER, domains=domains)
    return "\n".join(name_problems(server, facts(certificate=pem), asking(*urls), key))


def test_what_needs_no_certificate_for_a_name_is_not_compared() -> None:
    urls = ("http://a.example/", "https://{address}:8001/", "https://192.0.2.7/")
    assert asked_of(asking(*urls, "https://[2001:db8::1]/", "https://b.example:8443/x")) == {
        "b.example": ["gate-5"]
    }
    assert found(*urls) == ""
    assert found("https://app.example/", "https://APP.example:8443/") == ""


@pytest.mark.parametrize(
    ("key", "where"),
    [("DOMAIN", f"DOMAIN in {CHECKOUT}/.env"), ("", f"the gates in {SERVER.compose_file}")],
)
def test_both_places_are_named_where_they_differ(key: str, where: str) -> None:
    urls = ("https://b.example/", "https://a.example/", "https://b.example/deep")
    assert found(*urls, key=key) == (
        "gates ask a.example, b.example (gate-2, gate-1, gate-3), but hosts.ini has domains ="
        f" {SITE} for [ubuntu]; set {where}, or domains: both must name your site"
    )


def test_without_domains_ones_own_certificate_says_the_names() -> None:
    url = "https://app.example/"
    missing = (
        "gates ask app.example (gate-1), but hosts.ini has no domains for [ubuntu];"
        f" set the gates in {SERVER.compose_file}, or domains: both must name your site"
    )
    assert found(url, domains=()) == missing
    assert found(url, domains=(), pem=SELF_MADE) == missing
    assert found(url, "https://deep.app.example/", domains=(), pem=OWN) == ""
    assert found("https://b.example/", domains=(), pem=OWN).startswith(
        "the certificate is not for b.example: once these names lead to this server, fab ssl.issue"
    )


def test_only_a_self_made_certificate_is_made_anew_for_other_names() -> None:
    stack = asking("https://app.example/", "https://b.example/")
    why = "the one that is there is not for b.example"
    assert made_anew(SERVER, target(stack), facts(certificate=SELF_MADE)) == why
    assert made_anew(SERVER, target(stack), facts(certificate=OWN)) == ""
    called = replace(target(stack), callers=("10.0.0.1",))
    assert made_anew(SERVER, called, facts(certificate=SELF_MADE)) == ""
    assert made_anew(SERVER, target(asking()), facts(certificate=SELF_MADE)) == ""
