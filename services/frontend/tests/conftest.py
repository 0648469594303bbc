"""The built page, and a server that serves it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from . import workshop
from .web import Web, serving

API_URL = "https://api.test.example:8443"


@pytest.fixture(scope="session")
def own_tests() -> str:
    """What the page's own tests said; the page is built when they have."""
    workshop.prepare()
    return workshop.work()


@pytest.fixture(scope="session")
def dist(own_tests: str) -> Path:
    """The folder that the image serves."""
    return workshop.DIST


@pytest.fixture(scope="session")
def web(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """The page, served as in a container with API_URL of its own."""
    with serving(API_URL, tmp_path_factory.mktemp("nginx")) as server:
        yield server
