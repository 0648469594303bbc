"""`pg_dump | gzip` hid the failure; broken files pushed the good ones out of the retention."""

from __future__ import annotations

from tests.lab.full import full
from tests.lab.scenes import Scene
from tests.lab.seen import STATE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

SHELF = f"{STATE}/backups"
NIGHTS = 10


@full
def test_nights_of_broken_dumps_cost_no_good_backup(scene: Scene) -> None:
    """Each night fails aloud and leaves nothing; what is planted all the same fills no place."""
    scene.ubuntu.must(["sh", "-c", f"rm -f {SHELF}/*"])
    good = scene.operator.json("db.backup")["name"]
    scene.operator.must("db.verify")
    scene.by_hand("docker stop wishwithme-postgres")
    try:
        for _ in range(3):
            ran = scene.operator.fab("db.backup", "--quiet")
            assert (ran.code, len(ran.err.splitlines())) == (2, 1), ran
    finally:
        scene.by_hand("docker compose up -d --wait")
    for night in range(NIGHTS):
        # Three kilobytes that look like backups, newer than the good one by name and by clock.
        scene.by_hand(f"head -c 3300 /dev/urandom >{SHELF}/db_2099010{night}T030000Z.dump.zst")
    scene.operator.must("db.prune")
    shelf = scene.operator.json("db.list")
    assert [backup["name"] for backup in shelf["backups"]] == [good]
    assert set(shelf["strays"].values()) == {"no manifest"}
    assert len(shelf["strays"]) == NIGHTS
    scene.operator.must("db.restore", "--yes", "--into", "proof")
    scene.by_hand("docker exec wishwithme-postgres dropdb -U wishwithme proof")
    scene.ubuntu.must(["sh", "-c", f"rm -f {SHELF}/db_2099*"])
