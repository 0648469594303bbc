"""What others use already, and the other server: found before anything is touched, exit code 2."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.lab.deployments import Operator, Pair, refusal, refused
from tests.lab.rig import Server
from tests.lab.rig.server import CHECKOUT
from tests.lab.seen import STATE, containers, hidden, listening, settings_kept, untouched

pytest_plugins = ("tests.lab.deployed",)

ENV = f"{CHECKOUT}/.env"


@pytest.fixture
def emptied(servers_deployed: Pair) -> Server:
    """Montreal with nothing of ours but its ``.env``; whoever needs more deploys it."""
    montreal = servers_deployed.montreal
    if containers(montreal) or montreal.exec(["test", "-e", STATE]).returncode == 0:
        montreal.reset()
    return montreal


@contextmanager
def stranger(server: Server, *words: str) -> Iterator[None]:
    """A container of another compose project."""
    theirs = [f"--label=com.docker.compose.{label}" for label in ("project=shop", "oneoff=False")]
    server.must(["docker", "run", "-d", "--name", "stranger", *theirs, *words])
    try:
        yield
    finally:
        server.must(["docker", "rm", "-f", "-v", "stranger"])


def test_a_container_name_that_another_project_uses(emptied: Server, operator: Operator) -> None:
    with stranger(emptied, "-v", "shop_data:/data", "redis:7.4.6-alpine"):
        emptied.must(["docker", "rename", "stranger", "wishwithme-item-resolver-2"])
        try:
            with untouched(emptied):
                said = refusal(operator)
        finally:
            emptied.must(["docker", "rename", "wishwithme-item-resolver-2", "stranger"])
    assert said == (
        "montreal: container name wishwithme-item-resolver-2 is in use by project shop,"
        " with data in shop_data; rename or remove that one"
    )
    emptied.must(["docker", "volume", "rm", "shop_data"])


def test_a_port_that_another_project_publishes(emptied: Server, operator: Operator) -> None:
    with stranger(emptied, "-p", "8001:6379", "redis:7.4.6-alpine"), untouched(emptied):
        said = refusal(operator)
    assert said == "montreal: port 8001 of nginx is in use by stranger"


def test_a_port_that_a_process_listens_on(emptied: Server, operator: Operator) -> None:
    with listening(emptied, 8001), untouched(emptied):
        said = refusal(operator)
    assert said == "montreal: port 8001 of nginx is in use by a process"


def test_a_network_that_another_project_made(emptied: Server, operator: Operator) -> None:
    label = "com.docker.compose.project=shop"
    emptied.must(["docker", "network", "create", "--label", label, "wishwithme-network"])
    try:
        with untouched(emptied):
            said = refusal(operator)
    finally:
        emptied.must(["docker", "network", "rm", "wishwithme-network"])
    assert said == (
        "montreal: network wishwithme-network is in use by project shop;"
        " remove it once its containers are gone"
    )


def test_no_right_to_make_the_folder_of_the_state(emptied: Server, operator: Operator) -> None:
    with hidden(emptied, "/etc/sudoers.d/ubuntu"), untouched(emptied):
        said = refusal(operator)
    assert said == (
        "montreal: /opt/wishwithme does not exist and ubuntu may not use sudo to make it; run once:"
        " sudo install -d -m 700 -o ubuntu /opt/wishwithme"
    )


def test_all_that_is_wrong_is_told_at_once(emptied: Server, operator: Operator) -> None:
    port = ["-p", "8001:6379"]
    with settings_kept(emptied), stranger(emptied, *port, "redis:7.4.6-alpine"):
        emptied.write_env(RU_BEARER_TOKEN="short")
        emptied.must(["chmod", "644", ENV])
        ran = operator.fab("montreal.deploy")
    assert ran.code == 2
    assert re.fullmatch(r"montreal: \d preconditions do not hold; nothing was touched", ran.error)
    assert f"{ENV} has mode 644: others can read it; chmod 600 {ENV}" in ran.evidence
    assert ".env: RU_BEARER_TOKEN has 5 characters; at least 32" in ran.evidence
    assert "port 8001 of nginx is in use by stranger" in ran.evidence


def test_the_called_server_is_down(pair: Pair) -> None:
    with pair.montreal.partition(), untouched(pair.ubuntu):
        said = refused(pair.operator.fab("ubuntu.deploy"))
    assert said.startswith("montreal: 127.0.0.1:")
    assert said.endswith(
        "without it the link to ubuntu cannot be proved: --waive link deploys all the same"
    )


def test_the_called_server_is_down_and_the_link_is_waived(pair: Pair) -> None:
    before = containers(pair.ubuntu)
    with pair.montreal.partition():
        ran = pair.operator.fab("ubuntu.deploy", "--waive", "link")
    assert ran.code == 0, ran
    assert "warning: montreal: 127.0.0.1:" in ran.out
    assert "the link is not proved (waived)" in ran.out
    assert containers(pair.ubuntu) == before
