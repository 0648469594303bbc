"""The look of `ssl.status` at a real proxy: on disk, and served."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath

import pytest
from invoke import Context

from fabfile.model.certificates.certificate import Sighting, is_same, serial
from fabfile.remote.certificates.acme import source
from fabfile.remote.certificates.certificates import see
from fabfile.remote.host import Host
from tests.names import API, SITE, WWW
from tests.unit.builders import SERVER

from .authority import Authority
from .proxy import Proxy, running

NAMES = [SITE, API, "127.0.0.1"]


@pytest.fixture
def proxy(authority: Authority) -> Iterator[Proxy]:
    with running("ubuntu", authority, {}) as proxy:
        yield proxy


def look(proxy: Proxy) -> Sighting:
    root = PurePosixPath(proxy.certificates.parent)
    host = Host(replace(SERVER, root=root, connection="local"), Context())
    return see(host, NAMES, [proxy.ports[443]], source(host))


def test_what_is_on_disk_is_served_under_every_name(proxy: Proxy) -> None:
    seen = look(proxy)
    assert seen.pem == (proxy.certificates / "fullchain.pem").read_text().strip()
    assert seen.key.startswith("-----BEGIN PUBLIC KEY-----")
    assert [*seen.served] == [f"{name}:{proxy.ports[443]}" for name in NAMES]
    assert seen.pem.count("BEGIN CERTIFICATE") == 2
    assert [is_same(pem, seen.pem) for pem in seen.served.values()] == [True] * len(NAMES)
    assert "PRIVATE" not in "".join((seen.pem, seen.key, *seen.served.values()))


def test_a_certificate_that_the_proxy_has_not_loaded_is_seen(
    proxy: Proxy, authority: Authority
) -> None:
    before = serial(look(proxy).pem)
    authority.sign(proxy.certificates, SITE, WWW, API)
    seen = look(proxy)
    assert serial(seen.pem) != before
    assert {serial(pem) for pem in seen.served.values()} == {before}


def test_without_files_and_without_a_proxy_there_is_nothing(proxy: Proxy) -> None:
    for name in ("fullchain.pem", "privkey.pem"):
        (proxy.certificates / name).unlink()
    assert proxy.process is not None
    proxy.process.terminate()
    proxy.process.wait(60)
    assert replace(look(proxy), now=0) == Sighting(
        "", "", dict.fromkeys((f"{n}:{proxy.ports[443]}" for n in NAMES), "")
    )
