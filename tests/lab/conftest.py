from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.alone import LEFT_WELL, turn
from tests.lab.fixtures import lab
from tests.lab.malice import mallory
from tests.lab.order import Handing, places

__all__ = ["lab", "mallory"]

COLD_START = 600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(COLD_START))
    tests = [(item.path.name, _fixtures(item)) for item in items]
    place = places(tests)
    items.sort(key=lambda item: (*place[item.path.name], item.path.name))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Handing | None:
    return Handing(config, log) if config.getoption("dist") == "loadfile" else None


def _fixtures(item: pytest.Item) -> list[str]:
    return item.fixturenames if isinstance(item, pytest.Function) else []


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Called for the tests of every folder, so no other conftest may take a turn for its own."""
    if "scene" not in _fixtures(item):
        item.config.stash[LEFT_WELL] = False
    with turn(by_itself=item.get_closest_marker("alone") is not None):
        return (yield)
