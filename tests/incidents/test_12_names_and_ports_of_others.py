"""Containers from another project had the same names; the deploy died half-way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.incidents.stories import Fresh

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged", "tests.incidents.stories")


def test_every_clash_is_told_at_once_and_nothing_is_touched(fresh: Fresh) -> None:
    assert fresh.refused.code == 2
    assert fresh.refused.out == ""
    assert fresh.refused.error == "montreal: 4 preconditions do not hold; nothing was touched"
    used = "is in use by project old-resolver"
    found = sorted(re.sub("[0-9a-f]{64}", "ANONYMOUS", line) for line in fresh.refused.evidence)
    remedy = "with data in ANONYMOUS; rename or remove that one"
    assert found == [
        f"container name wishwithme-item-resolver-1 {used}, {remedy}",
        f"container name wishwithme-nginx {used}, {remedy}",
        f"network wishwithme-network {used}; remove it once its containers are gone",
        "port 8001 of nginx is in use by wishwithme-nginx",
    ]
    assert fresh.strangers_after == fresh.strangers
    assert fresh.state_before == "absent"


def test_once_they_are_gone_the_deploy_is_verified(fresh: Fresh) -> None:
    assert fresh.deploy.code == 0, fresh.deploy
    assert "[montreal] verified: runs " in fresh.deploy.out
