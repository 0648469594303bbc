"""Fixtures of scenes.

A test module gets them with ``pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.commits import Origin
from tests.lab.deployments import Operator, Pair
from tests.lab.rig import Lab
from tests.lab.scenes import Scene

__all__ = ["scene", "scenes"]


@pytest.fixture(scope="session")
def scenes(lab: Lab, operator: Operator, origin: Origin) -> Pair:
    """Not the pair that other tests share: where a scene may begin, they may not."""
    return Pair(lab, operator, origin)


@pytest.fixture
def scene(scenes: Pair, request: pytest.FixtureRequest) -> Iterator[Scene]:
    """Both servers verified: at the base, or where the last scene that passed left them."""
    failed = request.session.testsfailed
    scenes.make_good(after_a_failure=failed > 0)
    yield Scene(scenes.lab, scenes.operator, scenes.origin)
    if request.session.testsfailed == failed:
        scenes.remember()
