"""What the tests of the package share."""

from __future__ import annotations

from pathlib import Path

import pytest

from .wheel import Installed, build


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed.make(wheel, tmp_path_factory.mktemp("installed"))
