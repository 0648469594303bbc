"""Off-site copies in a real S3 server that checks signatures: there, and back again."""

from __future__ import annotations

import re
import time
from pathlib import Path

from tests.lab.bucket import DIGEST, FOLDER, SHELF, Bucket, operator_with
from tests.lab.deployments import Operator, Ran
from tests.lab.full import full
from tests.lab.rig import relay
from tests.lab.rig.storage import BUCKET, PORT
from tests.lab.scenes import Scene
from tests.lab.seen import settings_kept

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged", "tests.lab.bucketed")

HERE = f"s3://{BUCKET}/{FOLDER}"
LARGE = 12_000_000
BALLAST = f"""
CREATE TABLE ballast AS SELECT md5(random()::text) || md5(random()::text) AS noise
FROM generate_series(1, {LARGE // 32})
"""


def gone(scene: Scene) -> None:
    """The server's own backups are lost."""
    scene.ubuntu.must(["sh", "-c", f"rm -f {SHELF}/*"])


def failed(ran: Ran, code: int = 1) -> str:
    """One line, and that exit code."""
    assert ran.code == code, ran
    return ran.error


def test_a_backup_that_the_server_lost_comes_back_from_its_copy(
    people: Scene, offsite: Operator, bucket: Bucket
) -> None:
    before = people.asks_database(DIGEST)
    name = offsite.json("db.backup")["name"]
    assert set(bucket.objects()) == {name, f"{name}.json"}
    gone(people)
    (listed,) = offsite.json("db.list")["backups"]
    assert (listed["here"], listed["offsite"]) == (False, f"{HERE}{name}")
    offsite.must("db.restore", "--yes", "--into", "proof", "--from", f"{HERE}{name}")
    try:
        psql = f'docker exec wishwithme-postgres psql -U wishwithme -d proof -Atqc "{DIGEST}"'
        assert people.by_hand(psql).strip() == before
    finally:
        people.by_hand("docker exec wishwithme-postgres dropdb -U wishwithme proof")


def test_a_wrong_key_and_a_missing_bucket_are_refused_in_one_line(
    people: Scene, offsite: Operator, bucket: Bucket, tmp_path: Path
) -> None:
    with settings_kept(people.ubuntu):
        people.by_hand("sed -i 's/^S3_SECRET_ACCESS_KEY=./&x/' .env")
        ran = offsite.fab("db.backup", "--quiet")
        assert "S3_SECRET_ACCESS_KEY of .env is wrong" in failed(ran)
        assert len(ran.err.splitlines()) == 1
    elsewhere = operator_with(people, tmp_path, bucket.storage.endpoint, s3_bucket="another")
    assert "there is no such bucket" in failed(elsewhere.fab("db.list"), 2)
    assert bucket.objects() == {}
    assert len(people.ubuntu.must(["ls", SHELF]).split()) == 2


@full
def test_a_network_that_is_cut_in_the_middle_costs_one_run(
    people: Scene, offsite: Operator, bucket: Bucket, tmp_path: Path
) -> None:
    people.asks_database(BALLAST)
    try:
        with relay.broken_after((bucket.storage.address, PORT), LARGE * 3 // 4) as (host, port):
            cut = operator_with(people, tmp_path / "cut", f"http://{host}:{port}")
            ran = cut.fab("db.backup", "--quiet")
    finally:
        people.asks_database("DROP TABLE ballast")
    assert "cannot be reached, or the connection was cut" in failed(ran)
    print(f"cut in the middle: the command ended after {ran.seconds:.1f} s")
    assert ran.seconds < 90
    assert bucket.objects() == {}
    assert bucket.unfinished() != []
    (kept,) = offsite.json("db.list")["backups"]
    assert (kept["bytes"] > LARGE * 3 // 4, kept["offsite"]) == (True, "")
    offsite.must("db.backup")
    assert bucket.objects()[kept["name"]] == kept["bytes"]
    assert bucket.unfinished() == []


@full
def test_only_ciphertext_leaves_and_only_the_private_key_opens_it(
    people: Scene, bucket: Bucket, tmp_path: Path
) -> None:
    pairs = [people.ubuntu.must(["age-keygen"]) for _ in range(2)]
    recipient = re.findall(r"age1\S+", pairs[0])[0]
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    for file, pair in zip((right, wrong), pairs, strict=True):
        file.write_text(pair)
    endpoint = bucket.storage.endpoint
    operator = operator_with(people, tmp_path / "age", endpoint, age_recipient=recipient)
    name = operator.json("db.backup")["name"]
    assert set(bucket.objects()) == {f"{name}.age", f"{name}.json"}
    assert bucket.content(f"{name}.age").startswith(b"age-encryption.org/v1")
    gone(people)
    ran = operator.fab("db.verify", "--identity", str(wrong))
    assert "the identity does not open it" in failed(ran, 2)
    assert people.ubuntu.must(["ls", "-A", SHELF]) == ""
    operator.must("db.verify", "--identity", str(right))
    private = re.findall(r"AGE-SECRET-KEY-\S+", pairs[0])[0]
    places = "/opt/wishwithme/backups /opt/wishwithme/releases /home/ubuntu /tmp /var/tmp /dev/shm"
    found = people.ubuntu.exec(["sh", "-c", f"grep -rlF {private} {places}"], user="root")
    assert found.stdout == ""


@full
def test_an_empty_new_server_comes_back_from_the_bucket_alone(
    people: Scene, offsite: Operator, bucket: Bucket
) -> None:
    """The drill of docs/backup.md."""
    before = people.asks_database(DIGEST)
    offsite.must("db.backup")
    offsite.must("db.verify")
    people.ubuntu.reset()
    start = time.monotonic()
    offsite.must("ubuntu.deploy")
    deployed = time.monotonic()
    assert people.asks_database("SELECT count(*) FROM users") == "0"
    ran = offsite.must("db.restore", "--yes")
    end = time.monotonic()
    assert people.asks_database(DIGEST) == before
    assert f"fetch {HERE}" in ran.out
    print(
        f"an empty server serves the backup again after {end - start:.0f} s:"
        f" {deployed - start:.0f} s for the first deploy, {end - deployed:.0f} s for the restore"
    )
    people.proves()
    offsite.must("db.restore", "--drop-old", "--yes")
