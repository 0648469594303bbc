"""Who counts as one client: an IPv4 address, however written, or the /64 of an IPv6 address."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import closing
from ipaddress import IPv4Address, IPv6Address, IPv6Network

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fabfile.model.deploy.proxy_files import believed
from tests.names import API

from .authority import Authority
from .client import Client, exchange
from .proxy import Proxy, free_port, running

CDN = believed(("X-Forwarded-For", "127.0.0.0/8"))
MAPPED = IPv6Network("::ffff:0:0/96")
LINE_END = 0x0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A0A

# Not 255.255.255.255, which nobody has: nginx takes it for a text that is no address.
ipv4 = st.ip_addresses(v=4).filter(lambda one: one != IPv4Address(0xFFFF_FFFF))
in_full = st.ip_addresses(v=6).map(lambda one: one.exploded)
in_capitals = st.ip_addresses(v=6).map(lambda one: one.exploded.upper())
mapped = ipv4.map(lambda one: f"::ffff:{one}")
sparse = st.sets(st.integers(0, 127)).map(lambda bits: str(IPv6Address(sum(1 << b for b in bits))))
written = st.one_of(
    ipv4.map(str),
    st.ip_addresses(v=6).map(str),
    st.sampled_from([str(IPv6Address(LINE_END)), "10.10.10.10", "::", "::1", "2001:db8:0:0:1::"]),
    in_full,
    in_capitals,
    mapped,
    sparse,
)


def one_client(text: str) -> bytes:
    """What this address is counted by, as Python understands addresses."""
    if ":" not in text:
        return IPv4Address(text).packed
    address = IPv6Address(text)
    if address in MAPPED:
        return address.packed[-4:]
    return address.packed[:8]


@pytest.fixture(scope="module")
def counter(authority: Authority) -> Iterator[Proxy]:
    """A proxy behind a CDN, which tells at a port of its own what it counts a client by."""
    port = free_port()
    told = f'server {{ listen 127.0.0.1:{port}; location / {{ return 200 "$client"; }} }}\n'
    with running("ubuntu", authority, {"real-ip.conf": CDN + told}) as proxy:
        proxy.ports[8099] = port
        yield proxy


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(addresses=st.lists(written, min_size=10, max_size=30))
def test_whatever_the_address_a_client_is_what_python_says_too(
    addresses: list[str], counter: Proxy
) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", counter.ports[8099], timeout=10)) as ask:
        for address in addresses:
            ask.request("GET", "/", headers={"X-Forwarded-For": address})
            assert (address, ask.getresponse().read()) == (address, one_client(address))


def statuses(proxy: Proxy, addresses: list[str], path: str) -> list[int]:
    client = Client(proxy, "127.0.0.1")
    with client.connected(API) as connection:
        return [
            exchange(connection, API, path, "POST", X_Forwarded_For=address).status
            for address in addresses
        ]


def test_twenty_four_sign_in_tries_from_as_many_addresses_of_one_64_are_one_clients(
    counter: Proxy,
) -> None:
    network = IPv6Network("2001:db8:1:2::/64")
    tries = [str(network[number * 0x0123_4567_89AB_CDEF % (1 << 64)]) for number in range(24)]
    neighbours = [str(network[0] - 1), str(network[-1] + 1)]
    assert statuses(counter, tries, "/api/v1/auth/login") == [200] * 6 + [429] * 18
    assert statuses(counter, neighbours, "/api/v1/auth/login") == [200] * 2


def test_an_ipv4_client_gets_no_second_rate_by_writing_its_address_as_ipv6(
    counter: Proxy,
) -> None:
    tries = ["198.51.100.77"] * 6 + ["::ffff:198.51.100.77", "::ffff:c633:644d"]
    assert statuses(counter, tries, "/api/v1/auth/login") == [200] * 6 + [429] * 2
    assert statuses(counter, ["::ffff:198.51.100.78"], "/api/v1/auth/login") == [200]
