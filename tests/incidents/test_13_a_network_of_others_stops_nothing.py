"""The repair of a "network label mismatch" stopped every container, PostgreSQL included."""

from __future__ import annotations

from tests.lab.full import full
from tests.lab.scenes import Scene
from tests.lab.seen import containers

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

NETWORK = "wishwithme-network"
UNLABELLED = f"""
all=$(docker ps --format '{{{{.Names}}}}')
for one in $all; do docker network disconnect -f {NETWORK} "$one"; done
docker network rm {NETWORK}
docker network create {NETWORK}
for one in $all; do
  docker network connect --alias "${{one#wishwithme-}}" {NETWORK} "$one"
done
"""


@full
def test_what_the_repair_would_stop_is_told_and_nothing_is_touched(scene: Scene) -> None:
    """An older compose made the network, and the new one refuses it; what is told mends it."""
    montreal = scene.lab.server("montreal")
    montreal.must(["sh", "-ec", UNLABELLED])
    before = containers(montreal)
    ran = scene.operator.fab("montreal.deploy")
    assert containers(montreal) == before
    names = "wishwithme-item-resolver-1 wishwithme-item-resolver-2 wishwithme-nginx"
    repair = f"docker rm -f {names} && docker network rm {NETWORK}"
    assert ran.code == 2, ran
    assert ran.error == (
        f"montreal: network {NETWORK} is of no compose project, and compose refuses it; nothing was"
        f" stopped. It is made anew after: {repair}"
    )
    montreal.must(["sh", "-ec", repair])
    assert scene.operator.fab("montreal.deploy").code == 0
