from __future__ import annotations

import pytest

from tests.lab.fixtures import lab
from tests.lab.malice import mallory

__all__ = ["lab", "mallory"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.timeout(600))
