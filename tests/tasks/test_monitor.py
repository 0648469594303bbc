"""How long what was replaced is watched: the most careful of the services that change says so."""

from __future__ import annotations

import json

import pytest

from .fakes.application import UBUNTU
from .fakes.fleet import Fleet

API, PAGE = "services/api/app.py", "services/web/index.html"


@pytest.fixture
def monitored(running: Fleet) -> Fleet:
    """What runs says of two services how long they are watched."""
    model = json.loads(json.dumps(UBUNTU))
    model["x-deploy"]["api"]["update"] = {"monitor": "1m30s"}
    model["x-deploy"]["web"]["update"] = {"monitor": "0s"}
    running.origin.commit("Monitored", {"compose/ubuntu.yml": json.dumps(model)})
    assert running.fab("ubuntu.deploy").code == 0
    running.forget()
    return running


@pytest.mark.parametrize(
    ("changed", "watched"),
    [([API, PAGE], ["watch 90 s"]), ([API], ["watch 90 s"]), ([PAGE], [])],
)
def test_the_longest_of_those_that_change_counts(
    monitored: Fleet, changed: list[str], watched: list[str]
) -> None:
    monitored.origin.commit("Change", dict.fromkeys(changed, "Welcome, changed\n"))
    assert monitored.fab("ubuntu.deploy").code == 0
    assert [line for line in monitored.ubuntu.did if line.startswith("watch")] == watched


def test_an_inventory_that_still_says_it_is_told_where_it_stands_now(running: Fleet) -> None:
    text = running.hosts.read_text()
    running.hosts.write_text(text.replace("branch", "watch = 30\nbranch"))
    ran = running.fab("ubuntu.deploy")
    assert (ran.code, len(ran.everything.splitlines())) == (2, 1)
    assert ran.error.endswith(
        "hosts.ini:7: 'watch' is x-deploy.SERVICE.update.monitor of the compose file"
    )
