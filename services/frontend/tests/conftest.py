"""The built page, and a server that serves it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from . import workshop
from .web import Web, serving

API_URL = "https://api.test.example:8443"


@dataclass(frozen=True)
class Work:
    """What the sources were put to: their own tests, and the build."""

    dist: Path
    own_tests: str


@pytest.fixture(scope="session")
def work() -> Work:
    """Run the page's own tests and build it, side by side."""
    workshop.prepare()
    testing = workshop.begun("test")
    building = workshop.begun("run", "build:pwa")
    own_tests, _ = testing.communicate()
    workshop.finished(building)
    return Work(workshop.DIST, own_tests if testing.returncode == 0 else f"FAILED\n{own_tests}")


@pytest.fixture(scope="session")
def dist(work: Work) -> Path:
    """The folder that the image serves."""
    return work.dist


@pytest.fixture(scope="session")
def web(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """The page, served as in a container with API_URL of its own."""
    with serving(API_URL, tmp_path_factory.mktemp("nginx")) as server:
        yield server
