from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.alone import turn
from tests.lab.fixtures import lab

__all__ = ["lab"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.timeout(600))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    with turn(by_itself=item.get_closest_marker("alone") is not None):
        return (yield)
