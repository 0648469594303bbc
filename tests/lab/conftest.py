from __future__ import annotations

import pytest

from tests.lab.fixtures import lab

__all__ = ["lab"]

COLD_START = 600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(COLD_START))
