"""A plain ``docker compose up -d`` in the middle of a deploy costs no request, as at rest."""

from __future__ import annotations

import pytest

from tests.lab.alone import alone
from tests.lab.by_hand import up_in_the_middle_costs_nothing
from tests.lab.full import full
from tests.lab.scenes import Scene

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


@full
@alone
@pytest.mark.timeout(1200)
def test_a_plain_up_of_the_servers_own_compose_costs_no_request(scene: Scene) -> None:
    up_in_the_middle_costs_nothing(scene)
