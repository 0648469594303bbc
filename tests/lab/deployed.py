"""Fixtures of tests that deploy.

A test module gets them with ``pytest_plugins = ("tests.lab.deployed",)``, a conftest by importing.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.commits import Origin
from tests.lab.deployments import Operator, Pair, inventory
from tests.lab.rig import Lab

__all__ = ["operator", "origin", "pair", "servers_deployed"]


@pytest.fixture(scope="session")
def operator(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Operator:
    """The operator; short waits are enough for containers that turn green at once or never."""
    folder = tmp_path_factory.mktemp("operator")
    return Operator(inventory(lab.hosts_ini, folder, "defaults", {"settle": "5"}))


@pytest.fixture(scope="session")
def origin(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    """The git remote; its main branch is the checkout's HEAD again at the end."""
    origin = Origin(lab.folder / "origin.git", tmp_path_factory.mktemp("origin") / "clone")
    yield origin
    origin.rewind()


@pytest.fixture(scope="session")
def servers_deployed(lab: Lab, operator: Operator, origin: Origin) -> Pair:
    return Pair(lab, operator, origin)


@pytest.fixture
def pair(servers_deployed: Pair, request: pytest.FixtureRequest) -> Pair:
    """Both servers, verified at the base; what an earlier test left otherwise is deployed back."""
    servers_deployed.make_good(after_a_failure=request.session.testsfailed > 0)
    return servers_deployed
