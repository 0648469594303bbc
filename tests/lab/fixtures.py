"""Fixtures for tests that need the lab; a conftest imports the ones it wants."""

from __future__ import annotations

import os

import pytest

from tests.lab.rig import Lab, LabError
from tests.lab.rig.docker import ensure_engine


@pytest.fixture(scope="session")
def lab() -> Lab:
    """The lab of this checkout, up. It stays up afterwards, so that the next run starts warm.

    Skips, with the reason, where no engine can be had; under CI that is a failure.
    """
    try:
        ensure_engine()
    except LabError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no lab: {error}")
    lab = Lab()
    lab.up()
    return lab
