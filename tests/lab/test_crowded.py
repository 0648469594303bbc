"""A service that does not fit beside itself is refused before anything is touched."""

from __future__ import annotations

import re
from pathlib import Path

from fabfile.model.facts import Facts
from fabfile.ops.session import read_inventory
from fabfile.remote.access.connect import connect
from fabfile.remote.look import look
from tests.lab.commits import replaced
from tests.lab.scenes import ALL, STACK, Scene
from tests.lab.seen import untouched

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

LIMITS = 'limits: {memory: "${CORE_API_MEMORY:-512M}"}'


def test_replicas_that_reserve_more_memory_than_there_is_are_refused(scene: Scene) -> None:
    greedy = replaced(LIMITS, "limits: {memory: 1000G}, reservations: {memory: 900G}")
    commit = scene.change("Greedy", {STACK: greedy})
    with untouched(scene.ubuntu):
        ran = scene.deploy(commit)
    assert ran.code == 2
    assert re.fullmatch(
        r"ubuntu: memory: 2 new of core-api take about 1843200 MiB beside those that run,"
        r" [0-9]+ MiB are available, and 128 MiB must stay: more memory, fewer replicas, a smaller"
        r" reservation, or x-deploy\.core-api\.update: \{order: stop-first\}, which has a gap;"
        r" parallelism does not help",
        ran.error,
    )


def test_the_memory_that_each_replica_has_of_its_own_is_seen(scene: Scene) -> None:
    """Whatever version its cgroups are of."""
    facts = looked_at(scene)
    own = [one for one in facts.containers if one.service and one.state == "running"]
    assert {one.service for one in own} == {*ALL}
    assert facts.memory
    assert {100 << 10 < facts.anonymous[one.id] < facts.memory for one in own} == {True}


def looked_at(scene: Scene) -> Facts:
    """What a look from the operator's machine finds."""
    inventory = read_inventory({"HOSTS_INI": str(scene.operator.hosts_ini)}, Path())
    host = connect(inventory.server("ubuntu"), lambda key: "")
    try:
        return look(host)
    finally:
        host.close()
