"""Attackers with a bucket, a dump or a command line, against a real PostgreSQL and S3 server."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fabfile.model.data.offsite import FORGED, UNSIGNED, signature
from tests.lab.bucket import DIGEST, FOLDER, SHELF, Bucket, operator_with
from tests.lab.deployments import Operator
from tests.lab.full import full
from tests.lab.hostile import BAIT, SETTINGS, STATEMENTS, vouched, with_statement
from tests.lab.rig.storage import BUCKET
from tests.lab.scenes import Scene

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged", "tests.lab.bucketed")

HERE = f"s3://{BUCKET}/{FOLDER}"
WORLD = (
    "SELECT string_agg(rolname || rolsuper || coalesce(rolpassword, ''), ',' ORDER BY rolname)"
    " FROM pg_authid UNION ALL SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database"
    " UNION ALL SELECT string_agg(name || setting, ',' ORDER BY name) FROM pg_file_settings"
)
FILES = "ls /tmp /var/lib/postgresql /var/lib/postgresql/data / /etc"


def world(scene: Scene) -> tuple[str, str, str]:
    """What is outside a new database: roles, databases, settings; files; rows."""
    return (
        scene.asks_database(WORLD),
        scene.by_hand(f"docker exec wishwithme-postgres sh -c '{FILES}'"),
        scene.asks_database(DIGEST),
    )


def drop(scene: Scene, database: str) -> None:
    scene.by_hand(f"docker exec wishwithme-postgres dropdb -U wishwithme {database}")


@dataclass
class Bait:
    """A dump with room for a statement, packed with gzip, and its manifest."""

    scene: Scene
    operator: Operator
    name: str
    packed: bytes
    manifest: dict[str, Any]

    def plant(self, packed: bytes) -> None:
        """Put these bytes and a manifest for them where backups stand on the server."""
        text = json.dumps(vouched(self.manifest, packed)).encode()
        for name, content in ((self.name, packed), (f"{self.name}.json", text)):
            script = f"base64 -d > {SHELF}/{name}"
            encoded = base64.b64encode(content).decode()
            self.scene.ubuntu.must(["sh", "-c", script], user="ubuntu", stdin=encoded)


@pytest.fixture
def bait(people: Scene, tmp_path: Path) -> Bait:
    operator = Operator(people.operator.inventory(tmp_path / "plain", "ubuntu", compression="gzip"))
    people.asks_database(BAIT)
    try:
        name = operator.json("db.backup")["name"]
    finally:
        people.asks_database("COMMENT ON TABLE users IS NULL")
    manifest = json.loads(people.ubuntu.must(["cat", f"{SHELF}/{name}.json"]))
    packed = base64.b64decode(people.ubuntu.must(["base64", f"{SHELF}/{name}"]))
    return Bait(people, operator, name, packed, manifest)


@full
def test_a_dump_that_wants_more_than_its_own_database_is_refused_in_one_line(bait: Bait) -> None:
    """As if its manifest were the server's own: the last line of defence, each way by itself."""
    before = world(bait.scene)
    for what, (statement, says) in STATEMENTS.items():
        bait.plant(with_statement(bait.packed, statement))
        ran = bait.operator.fab("db.restore", "--yes", "--into", "drill", "--from", bait.name)
        assert ran.code == 1, (what, ran)
        assert ran.error.startswith(f"ubuntu: {bait.name} cannot be restored: "), (what, ran)
        assert says in ran.error, (what, ran)
    assert world(bait.scene) == before


def test_the_settings_that_a_dump_makes_for_its_database_are_gone(bait: Bait) -> None:
    bait.plant(with_statement(bait.packed, SETTINGS))
    bait.operator.must("db.restore", "--yes", "--into", "drill", "--from", bait.name)
    try:
        assert bait.scene.asks_database("SELECT count(*) FROM pg_db_role_setting") == "0"
        owner = "SELECT datdba::regrole FROM pg_database WHERE datname = 'drill'"
        assert bait.scene.asks_database(owner) == "wishwithme"
        roles = "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'wishwithme_restore%'"
        assert bait.scene.asks_database(roles) == "0"
    finally:
        drop(bait.scene, "drill")


def test_a_check_of_a_hostile_dump_has_neither_the_password_nor_a_way_out(bait: Bait) -> None:
    before = world(bait.scene)
    statement, says = STATEMENTS["a program that fills a table"]
    bait.plant(with_statement(bait.packed, statement))
    ran = bait.operator.fab("db.verify", "--from", bait.name)
    assert (ran.code, says in ran.error) == (1, True), ran
    assert world(bait.scene) == before


def unsigned(good: dict[str, Any], name: str, packed: bytes) -> dict[str, Any]:
    """A manifest that vouches for the attacker's object, without a signature."""
    told = vouched(good, packed) | {"about": good["about"] | {"name": name}}
    digest = hashlib.sha256(packed).hexdigest()
    told["object"] = {"name": name, "bytes": len(packed), "sha256": digest, "recipient": ""}
    del told["signature"]
    return told


@full
def test_whoever_can_write_the_bucket_can_have_nothing_restored(
    bait: Bait, bucket: Bucket, tmp_path: Path
) -> None:
    scene = bait.scene
    scene.ubuntu.must(["sh", "-c", f"rm -f {SHELF}/*"])
    operator = operator_with(scene, tmp_path / "offsite", bucket.storage.endpoint)
    name = operator.json("db.backup")["name"]
    good = json.loads(bucket.content(f"{name}.json"))
    before = world(scene)
    evil = with_statement(bait.packed, STATEMENTS["a program that fills a table"][0])
    told = unsigned(good, bait.name, evil)
    other = signature(told, "the attacker's own key, long enough for one")
    manifests = {
        UNSIGNED: told,
        FORGED: {**told, "signature": other},
        # A good signature, of another backup: replayed under this name.
        "its manifest is that of another backup": good,
    }
    bucket.put(bait.name, evil)
    for why, text in manifests.items():
        bucket.put(f"{bait.name}.json", json.dumps(text).encode())
        for words in (["db.restore", "--yes", "--into", "drill"], ["db.verify"]):
            ran = operator.fab(*words, "--from", f"{HERE}{bait.name}")
            assert (ran.code, why in ran.error) == (2, True), ran
        ran = operator.fab("db.verify", "--from", bait.name)
        assert (ran.code, why in ran.error) == (2, True), ran
        strays = operator.json("db.list")["strays"]
        assert strays == {f"{HERE}{bait.name}.json": why}
        # Nobody mends it in silence.
        ran = operator.must("db.backup", "--quiet")
        assert f"{HERE}{bait.name}.json does not count: {why}" in ran.out + ran.err
    assert bucket.content(bait.name) == evil
    assert world(scene) == before


@full
def test_whoever_calls_an_object_as_a_path_writes_no_file(
    bait: Bait, bucket: Bucket, tmp_path: Path
) -> None:
    scene = bait.scene
    operator = operator_with(scene, tmp_path / "offsite", bucket.storage.endpoint)
    path = "../../../home/ubuntu/.ssh/authorized_keys_x"
    operator.must("db.backup", "--quiet")
    good = json.loads(bucket.content(f"{bait.name}.json"))
    bucket.empty()
    scene.ubuntu.must(["sh", "-c", f"rm -f {SHELF}/*"])
    told = unsigned(good, path, b"ssh-ed25519 AAAA attacker\n")
    # Even with the key itself.
    text = json.dumps({**told, "signature": signature(told, bucket.storage.keys[2])}).encode()
    # This S3 server takes no ``..`` in a key; with those tests/tasks/test_hostile_copies.py tries.
    keys = [f"{bait.name}.json", "..%2F..%2Fx.json", f"a/b/{bait.name}.json"]
    for key in keys:
        bucket.put(key, text)
    for source in (bait.name, f"{HERE}{bait.name}", f"{HERE}{path}", path, "latest", "newest"):
        ran = operator.fab("db.verify", "--from", source)
        assert ran.code == 2, ran
        assert len(ran.err.splitlines()) == 1, ran
    strays = operator.json("db.list")["strays"]
    whys = ["not a manifest", "no backup is called so", "no backup is called so"]
    assert strays == {f"{HERE}{key}": why for key, why in zip(keys, whys, strict=True)}
    assert scene.ubuntu.must(["ls", "-A", SHELF]) == ""
    assert scene.ubuntu.exec(["ls", "/home/ubuntu/.ssh/authorized_keys_x"]).returncode != 0


def test_connection_text_instead_of_a_name_is_refused(people: Scene) -> None:
    people.operator.must("db.backup")
    before = world(people)
    for name in ("dbname=postgres", "host=203.0.113.1", "postgresql:///postgres", "-dpostgres"):
        ran = people.operator.fab("db.restore", "--yes", "--from", "newest", f"--into={name}")
        assert (ran.code, ran.error.partition(":")[0]) == (2, "--into"), ran
        assert f"'{name}' is not a name here" in ran.error
    assert world(people) == before
