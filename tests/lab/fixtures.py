"""Fixtures for tests that need the lab; a conftest imports the ones it wants."""

from __future__ import annotations

import os

import pytest

from tests.lab.rig import Lab, LabError
from tests.lab.rig.docker import ensure_engine
from tests.lab.rig.place import Place


@pytest.fixture(scope="session")
def lab() -> Lab:
    """The lab of this checkout, up. It stays up afterwards, so that the next run starts warm.

    Under pytest-xdist each worker has its own: gw0 the first, gw1 one beside it.

    Skips, with the reason, where no engine can be had.
    """
    try:
        ensure_engine()
    except LabError as error:
        pytest.skip(f"no lab: {error}")
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    lab = Lab(Place(number=int(worker.removeprefix("gw")) + 1))
    lab.up()
    return lab
