"""Volumes of real services: what Redis and the resolver keep, packed and brought back."""

from __future__ import annotations

from tests.lab.scenes import Scene
from tests.lab.seen import STATE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

KEEPS = f"{STATE}/data/storage_state/session.json"

SHARING = ("wishwithme-item-resolver-1", "wishwithme-item-resolver-2")
SURPRISING = f"""
cd {STATE}/data/storage_state
umask 022
: >./-x
mkdir set
: >set-user
chown 1001:1002 set set-user
chmod 2770 set
chmod 4755 set-user
"""
"""A name like an option, and bits that a change of owner takes away."""


def redis(scene: Scene, *words: str) -> str:
    return scene.ubuntu.must(["docker", "exec", "wishwithme-redis", "redis-cli", *words]).strip()


def test_what_services_keep_in_volumes_comes_back(scene: Scene) -> None:
    montreal = scene.lab.server("montreal")
    for server in (scene.ubuntu, montreal):
        server.must(["sh", "-c", f"rm -f {STATE}/backups/volume_*"])
    redis(scene, "set", "kept", "before")
    redis(scene, "bgrewriteaof")
    redis(scene, "set", "also kept", "in the log that grows")
    montreal.must(["sh", "-c", f"printf before >{KEEPS}; chmod 600 {KEEPS}"])
    montreal.must(["sh", "-c", SURPRISING])

    made = {one["service"]: one for one in scene.operator.json("volume.backup")}
    assert sorted(made) == ["item-resolver", "redis"]
    assert redis(scene, "config", "get", "auto-aof-rewrite-percentage").split()[-1] == "100"
    for server in (scene.ubuntu, montreal):
        modes = server.must(["sh", "-c", f"stat -c '%U %a' {STATE}/backups/volume_*"]).splitlines()
        assert modes == ["ubuntu 600"] * 2
    refused = scene.operator.fab("volume.backup", "--service", "postgres", "--on", "ubuntu")
    assert refused.code == 2
    assert "docker stop wishwithme-postgres" in refused.error

    redis(scene, "flushall")
    redis(scene, "set", "later", "x")
    before = scene.boxes()
    restore = ("volume.restore", "--yes", "--service")
    ran = scene.operator.must(*restore, "redis", "--on", "ubuntu")
    print(f"redis restored in {ran.seconds:.1f} s")
    assert redis(scene, "get", "kept") == "before"
    assert redis(scene, "get", "also kept") == "in the log that grows"
    assert redis(scene, "exists", "later") == "0"
    assert {name for name, box in scene.boxes().items() if box != before[name]} == {"redis"}
    left = scene.ubuntu.must(["ls", "-A", f"{STATE}/data/redis"]).split()
    assert [name for name in left if name.startswith(".")] == []

    montreal.must(["sh", "-c", f"rm -rf {KEEPS} {STATE}/data/storage_state/set*"])
    started = ["docker", "inspect", "-f", "{{.State.StartedAt}}", *SHARING]
    former = montreal.must(started).split()
    ran = scene.operator.must(*restore, "item-resolver", "--on", "montreal")
    # Nobody had the files open meanwhile: each of them was stopped.
    assert {*former} & {*montreal.must(started).split()} == set()
    print(f"resolver restored in {ran.seconds:.1f} s")
    assert montreal.must(["sh", "-c", f"cat {KEEPS}; stat -c %U:%a {KEEPS}"]) == "beforeroot:600\n"
    kept = montreal.must(["sh", "-c", f"cd {STATE}/data/storage_state; stat -c '%n %u:%g %a' -- *"])
    assert kept.splitlines() == [
        "-x 0:0 644",
        "session.json 0:0 600",
        "set 1001:1002 2770",
        "set-user 1001:1002 4755",
    ]
    montreal.must(["sh", "-c", f"cd {STATE}/data/storage_state; rm -rf -- -x set set-user"])
    throwaways = ["docker", "ps", "-aq", "--filter", "label=me.wishwith.throwaway"]
    assert scene.ubuntu.must(throwaways) + montreal.must(throwaways) == ""
    scene.plain_up_changes_nothing()
