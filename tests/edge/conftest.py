from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .authority import Authority
from .client import Client
from .proxy import Proxy, running

ADDRESSES = itertools.count(2)
CALLER = "127.0.0.1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every client has an address of its own; only Linux has all of 127/8 without being told."""
    if sys.platform != "linux":
        mark = pytest.mark.skip(reason="needs the many loopback addresses that Linux has")
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(mark)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def ubuntu(authority: Authority) -> Iterator[Proxy]:
    """The application's proxy. Tests share it: each asks as a client of its own."""
    with running("ubuntu", authority, {}) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def impatient(authority: Authority) -> Iterator[Proxy]:
    """The same, and it gives up at once on a service that does not answer."""
    with running("ubuntu", authority, {}, patience="100ms") as proxy:
        yield proxy


@pytest.fixture(scope="session")
def montreal(authority: Authority) -> Iterator[Proxy]:
    """The resolver's proxy, with the caller's address let in as the deploy does it."""
    allowed = {"allow.conf": f"allow {CALLER};\ndeny all;\n"}
    with running("montreal", authority, allowed) as proxy:
        yield proxy


@pytest.fixture
def stranger() -> Callable[[Proxy], Client]:
    """Makes clients with addresses that nobody has asked from yet."""

    def new(proxy: Proxy) -> Client:
        number = next(ADDRESSES)
        return Client(proxy, f"127.{number // 250 + 1}.{number % 250 + 1}.1")

    return new


@pytest.fixture
def visitor(ubuntu: Proxy, stranger: Callable[[Proxy], Client]) -> Client:
    return stranger(ubuntu)


@pytest.fixture
def caller(montreal: Proxy) -> Client:
    """Whom the resolver's proxy lets in."""
    return Client(montreal, CALLER, 8001)
