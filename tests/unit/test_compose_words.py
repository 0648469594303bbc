"""What the engine of a server is told, word by word, where one word more or less would do harm."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import PurePosixPath

import pytest
from invoke import Context

from fabfile.remote import compose
from fabfile.remote.host import Host, Output

from .builders import CHECKOUT, SERVER, STACK, built, target

TREE = PurePosixPath("/opt/app/build/000000000001")
IMAGES = PurePosixPath("/opt/app/build/000000000001.images.yml")
AT_HOME = [
    "docker", "compose", "--project-directory", f"{CHECKOUT}/compose",
    "--env-file", f"{CHECKOUT}/.env", "-f", f"{CHECKOUT}/compose/app.yml",
]  # fmt: skip
IN_TREE = [
    "docker", "compose", "--project-directory", f"{TREE}/compose",
    "--env-file", f"{CHECKOUT}/.env", "-f", f"{TREE}/compose/app.yml",
]  # fmt: skip
FROM_TREE_AT_HOME = [*AT_HOME[:-1], f"{TREE}/compose/app.yml"]


class Told(Host):
    """A host that remembers what it is told to change."""

    def __init__(self) -> None:
        super().__init__(SERVER, Context())
        self.words: list[str] = []
        self.stdin = ""

    def write(
        self, words: Sequence[str], *, stdin: str = "", timeout: float = 60, check: bool = True
    ) -> Output:
        self.words, self.stdin = list(words), stdin
        return Output(0, "")


@pytest.fixture
def host() -> Told:
    return Told()


def test_up_builds_nothing_waits_for_health_and_means_one_service(host: Told) -> None:
    compose.up(host, CHECKOUT, STACK.service("web"))
    wait = ["--wait", "--wait-timeout", str(compose.HEALTHY)]
    assert host.words == [*AT_HOME, "up", "-d", "--no-build", *wait, "web"]


def test_up_by_force_recreates(host: Told) -> None:
    compose.up(host, CHECKOUT, STACK.service("web"), force=True)
    assert host.words[-2:] == ["--force-recreate", "web"]


def test_a_container_of_a_tree_gets_the_paths_of_the_checkout(host: Told) -> None:
    """Otherwise it would mount, and be labelled with, a folder that is gone after the deploy."""
    compose.up(host, TREE, STACK.service("db"))
    assert host.words[: len(FROM_TREE_AT_HOME)] == FROM_TREE_AT_HOME


def test_a_build_reads_the_tree_of_the_commit_alone(host: Told) -> None:
    """And starts no git, which would have all settings in its environment."""
    compose.build(host, TREE, IMAGES, "web")
    assert host.words == [
        "env",
        "BUILDX_GIT_INFO=false",
        *IN_TREE,
        "-f",
        str(IMAGES),
        "build",
        "web",
    ]
    compose.build(host, TREE, IMAGES, "web", fresh=True)
    assert host.words[-3:] == ["--pull", "--no-cache", "web"]


def test_the_override_names_every_image_by_content_and_labels_what_is_built(host: Told) -> None:
    path = compose.override(host, TREE, target().images)
    assert path == IMAGES
    services = json.loads(host.stdin)["services"]
    web = target().images["web"].reference
    assert services["db"] == {"image": "db:1"}
    label = {compose.LABEL: web.rpartition(":")[2]}
    assert services["web"] == {"image": web, "build": {"labels": label}}


def test_a_one_off_container_starts_nothing_beside_it_and_is_removed(host: Told) -> None:
    compose.run_once(host, TREE, IMAGES, "api-1", ["migrate", "up"], 600)
    assert host.words == [
        *FROM_TREE_AT_HOME, "-f", str(IMAGES), "run", "--rm", "--no-deps", "-T", "api-1",
        "migrate", "up",
    ]  # fmt: skip


def test_a_smoke_test_has_no_network_and_gets_its_settings_by_input(host: Told) -> None:
    one = built("api-1", "api", environment={"A": "1", "SECRET": "x y$"})
    compose.smoke(host, one, "app/api:1f")
    assert host.words == [
        "docker", "run", "--rm", "--network", "none", "--env-file", "/dev/stdin", "app/api:1f",
    ]  # fmt: skip
    assert host.stdin == "A=1\nSECRET=x y$\n"


def test_a_stable_name_of_a_pulled_image_is_not_moved(host: Told) -> None:
    compose.move_stable(host, target().images["db"])
    assert host.words == []
    compose.move_stable(host, target().images["web"])
    assert host.words == ["docker", "tag", target().images["web"].reference, "app/web:current"]


def test_logs_of_one_service_end_where_they_are_told_to(host: Told) -> None:
    words = compose.logs_words(host, "web", 7, follow=False)
    assert words == [*AT_HOME, "logs", "--no-color", "--timestamps", "--tail", "7", "web"]
    assert compose.logs_words(host, "", 7, follow=True)[-1] == "--follow"
