"""What is never fetched: no address of this machine or its network, however it is written."""

import asyncio
import socket
from ipaddress import ip_address

import pytest
from fastapi.testclient import TestClient

from app.guard import Guard, Refused, is_public
from tests.conftest import Shop, resolve

PRIVATE = [
    # this machine
    "127.0.0.1",
    "127.0.0.2",
    "127.255.255.254",
    "0.0.0.0",
    "0.1.2.3",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "127.0.0.1.",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    # networks of one's own
    "10.0.0.1",
    "10.255.255.255",
    "172.16.5.4",
    "172.31.255.255",
    "192.168.1.1",
    "192.168.255.255",
    "[fc00::1]",
    "[fd00::1]",
    "[fd00:ec2::254]",
    "[fec0::1]",
    # the provider's: carrier-grade NAT, metadata services, link-local
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.254",
    "169.254.0.1",
    "169.254.169.254",
    "192.0.0.192",
    "192.0.0.9",
    "[fe80::1]",
    "[fe80::1%25eth0]",
    "[febf::1]",
    # many at once, nobody, examples, measurements, the future
    "224.0.0.1",
    "239.255.255.250",
    "255.255.255.255",
    "240.0.0.1",
    "192.0.2.1",
    "198.51.100.1",
    "203.0.113.1",
    "198.18.0.1",
    "198.19.255.255",
    "192.88.99.1",
    "[ff02::1]",
    "[ff0e::1]",
    "[100::1]",
    "[2001:db8::1]",
    "[3fff::1]",
    "[5f00::1]",
    "[4000::1]",
    # an address of IPv4 in one of IPv6: mapped, compatible, translated, 6to4, Teredo, NAT64, ISATAP
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:10.0.0.1]",
    "[::ffff:169.254.169.254]",
    "[::127.0.0.1]",
    "[::10.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[2002:7f00:1::1]",
    "[2002:a00:1::]",
    "[2001:0:7f00:1::1]",
    "[2001:0:4136:e378:8000:63bf:f5ff:fffe]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::10.0.0.1]",
    "[64:ff9b::169.254.169.254]",
    "[64:ff9b:1::10.0.0.1]",
    "[fe80::5efe:10.0.0.1]",
]
ODD = [
    # one number, octal, hexadecimal, left out
    "2130706433",
    "3232235777",
    "017700000001",
    "0x7f000001",
    "0x7F.1",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "127.1",
    "127.0.1",
    "10.1",
    "0",
    "127.0.0.01",
    "127.0.0.0x1",
    "4294967297",
    "256.256.256.256",
    "1.2.3.4.5",
    # digits of other alphabets
    "①②⑦.⓪.⓪.①",
    "\uff11\uff12\uff17.\uff10.\uff10.\uff11",
]
FOREIGN = [
    "ftp://example.com/",
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "gopher://127.0.0.1/",
    "dict://127.0.0.1:6379/info",
    "ws://example.com/",
    "data:text/html,hello",
    "javascript:alert(1)",
    "view-source:http://example.com/",
    "chrome://version",
    "about:blank",
    "//example.com/",
    "http:///nothing",
    "http:example.com",
    "not an address",
    "http://user:password@example.com/",
    "http://user@example.com/",
    "http://example.com@127.0.0.1/",
    "http://127.0.0.1#@example.com/",
    "http://127.0.0.1\\@example.com/",
    "http://example.com:99999/",
    "http://[::1/",
    "http://exa mple.com/",
    "http://example.com\r\nHost: inside/",
    # services that are no web servers
    "http://93.184.215.14:22/",
    "http://93.184.215.14:25/",
    "http://93.184.215.14:5432/",
    "http://93.184.215.14:6379/",
    "https://93.184.215.14:2375/",
]
REFUSED = [f"http://{host}/" for host in PRIVATE + ODD] + FOREIGN


@pytest.mark.parametrize("url", [*REFUSED, "https://127.0.0.1/", "http://10.0.0.1:8080/x?y=z"])
def test_a_private_or_foreign_address_is_refused(client: TestClient, url: str) -> None:
    assert resolve(client, url)[0] == 403


def test_the_table_is_long_enough_to_mean_something() -> None:
    assert len(set(REFUSED)) == len(REFUSED) >= 100


@pytest.mark.parametrize("host", PRIVATE)
def test_the_way_out_refuses_it_too_when_a_page_asks(host: str) -> None:
    plain = host.strip("[]").replace("%25", "%")
    with pytest.raises(Refused, match=r" is a private address$"):
        asyncio.run(Guard().addresses(plain, 80))


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:4700::1111", "2a00:1450::1"])
def test_a_public_address_passes(address: str) -> None:
    assert is_public(ip_address(address))
    assert asyncio.run(Guard().addresses(address, 443)) == [address]


def test_a_name_with_one_private_address_among_public_ones_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [(socket.AF_INET, 1, 6, "", (each, 0)) for each in ("93.184.215.14", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(Refused, match=r"^shop\.test is a private address$"):
        asyncio.run(Guard().addresses("shop.test", 443))


@pytest.mark.parametrize("allowed", ["10.0.0.1", "10.0.0.1:9000"])
def test_the_allow_list_is_of_exact_hosts_and_ports(allowed: str) -> None:
    guard = Guard(frozenset({allowed}))
    guard.require_web_page("http://10.0.0.1:9000/")
    assert asyncio.run(guard.addresses("10.0.0.1", 9000)) == ["10.0.0.1"]
    with pytest.raises(Refused, match=r"^10\.0\.0\.2 is a private address$"):
        asyncio.run(guard.addresses("10.0.0.2", 80))


def test_an_allowed_port_allows_no_other() -> None:
    with pytest.raises(Refused, match=r"^10\.0\.0\.1 is a private address$"):
        asyncio.run(Guard(frozenset({"10.0.0.1:9000"})).addresses("10.0.0.1", 80))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_a_redirect_to_a_private_host_is_refused_before_it_is_made(
    lenient_client: TestClient, shop: Shop, inside: Shop, host: str
) -> None:
    shop.redirects["/away"] = f"http://{host}:{inside.port}/plain"
    status, answer = resolve(lenient_client, f"{shop.url}/away")
    assert status == 403
    assert str(answer["detail"]).endswith(" is a private address")
    assert (shop.asked, inside.asked) == (["/away"], [])
