"""Fixtures of scenes with a bucket.

A test module gets them with
``pytest_plugins = ("tests.lab.deployed", "tests.lab.staged", "tests.lab.bucketed")``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.bucket import FILL, SHELF, Bucket, operator_with
from tests.lab.deployments import Operator
from tests.lab.rig import Lab
from tests.lab.rig.storage import BUCKET, Storage, Unreachable
from tests.lab.scenes import Scene

__all__ = ["bucket", "offsite", "people", "storage"]


@pytest.fixture(scope="session")
def storage(lab: Lab) -> Storage:
    """The lab's S3 server; skips in one line where no address of a container can be reached."""
    try:
        found = lab.storage()
    except Unreachable as error:
        pytest.skip(str(error))
    client = Bucket(found).client
    if BUCKET not in {one["Name"] for one in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket=BUCKET)
    return found


@pytest.fixture
def bucket(storage: Storage) -> Bucket:
    """The bucket, empty."""
    found = Bucket(storage)
    found.empty()
    return found


@pytest.fixture
def offsite(scene: Scene, storage: Storage, tmp_path: Path) -> Operator:
    """Somebody whose ``hosts.ini`` names the bucket."""
    return operator_with(scene, tmp_path / "offsite", storage.endpoint)


@pytest.fixture
def people(scene: Scene) -> Iterator[Scene]:
    """Users in the database, and no backup on the server."""
    scene.ubuntu.must(["sh", "-c", f"rm -f {SHELF}/*"])
    scene.asks_database(FILL)
    yield scene
    scene.ubuntu.must(["sh", "-c", f"rm -f {SHELF}/*"])
