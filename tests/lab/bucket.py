"""An operator whose backups go off-site, and a look into the bucket that they go to.

Helpers only; the fixtures are in ``bucketed.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fabfile.model.data.offsite import Keys, Offsite
from fabfile.remote.data import s3
from tests.lab.deployments import Operator
from tests.lab.rig.storage import BUCKET, Storage
from tests.lab.scenes import Scene
from tests.lab.seen import STATE

SHELF = f"{STATE}/backups"
FOLDER = "site/ubuntu/"
FILL = """
INSERT INTO users (id, email, password_hash, name)
SELECT md5(i::text)::uuid, 'u' || i || '@example.org', md5(i::text), 'Somebody'
FROM generate_series(1, 500) i
ON CONFLICT DO NOTHING
"""
DIGEST = "SELECT md5(string_agg(u::text, ',' ORDER BY id)) FROM users u"


@dataclass(frozen=True)
class Bucket:
    """The bucket, seen with the right keys and past every task."""

    storage: Storage

    @property
    def client(self) -> Any:
        return s3.connect(Offsite(endpoint=self.storage.endpoint), Keys(*self.storage.keys))

    def objects(self) -> dict[str, int]:
        """Object of ubuntu's folder → its size."""
        listed = self.client.list_objects_v2(Bucket=BUCKET, Prefix=FOLDER).get("Contents", ())
        return {one["Key"].removeprefix(FOLDER): one["Size"] for one in listed}

    def content(self, name: str) -> bytes:
        body: bytes = self.client.get_object(Bucket=BUCKET, Key=FOLDER + name)["Body"].read()
        return body

    def put(self, name: str, content: bytes) -> None:
        """What somebody does who has stolen the bucket's keys, and nothing else."""
        self.client.put_object(Bucket=BUCKET, Key=FOLDER + name, Body=content)

    def unfinished(self) -> list[str]:
        found = self.client.list_multipart_uploads(Bucket=BUCKET).get("Uploads") or ()
        return [one["Key"] for one in found]

    def empty(self) -> None:
        for name in self.objects():
            self.client.delete_object(Bucket=BUCKET, Key=FOLDER + name)


def operator_with(scene: Scene, folder: Path, endpoint: str, **more: str) -> Operator:
    """Somebody whose ``hosts.ini`` names the bucket at this endpoint, and more settings."""
    names = {"s3_bucket": BUCKET, "s3_prefix": "site", "s3_endpoint": endpoint, **more}
    return Operator(scene.operator.inventory(folder, "ubuntu", **names))
