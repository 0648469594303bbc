"""A server that lacks something: one line with the remedy, exit code 2, every byte as it was."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.lab.deployments import Pair, refusal, refused
from tests.lab.rig.server import CHECKOUT
from tests.lab.seen import STATE, hidden, settings_kept, untouched

pytest_plugins = ("tests.lab.deployed",)

ENV = f"{CHECKOUT}/.env"
SOCKET = "/var/run/docker.sock"
PLUGIN = "/usr/libexec/docker/cli-plugins/docker-compose"


def test_no_docker(pair: Pair) -> None:
    with hidden(pair.montreal, "/usr/bin/docker"):
        said = refusal(pair.operator)
    assert said.startswith("montreal: ")
    assert "docker" in said.lower()
    assert "install" in said
    assert "apt-get install docker" not in said, "Debian's package `docker` is something else"


def test_an_engine_that_is_stopped(pair: Pair) -> None:
    with hidden(pair.montreal, SOCKET):
        said = refusal(pair.operator)
    assert said.startswith(
        "montreal: no Docker engine answers; start it: sudo systemctl start docker"
    )


def test_a_user_who_may_not_use_docker(pair: Pair) -> None:
    mode = pair.montreal.must(["stat", "-c", "%a", SOCKET]).strip()
    pair.montreal.must(["chmod", "600", SOCKET])
    try:
        said = refusal(pair.operator)
    finally:
        pair.montreal.must(["chmod", mode, SOCKET])
    assert said == (
        "montreal: user ubuntu may not use Docker; run once: sudo usermod -aG docker ubuntu"
    )


def test_no_compose_plugin(pair: Pair) -> None:
    with hidden(pair.montreal, PLUGIN), untouched(pair.montreal):
        said = refusal(pair.operator)
    assert said == (
        "montreal: docker compose is missing or older than 2.20; install the docker compose plugin"
    )


@pytest.mark.parametrize(("free", "left"), [(300_000_000, r"28\d"), (0, "0")])
def test_a_disk_without_room(pair: Pair, free: int, left: str) -> None:
    with pair.montreal.full_disk(STATE, free), untouched(pair.montreal):
        said = refusal(pair.operator)
    assert re.fullmatch(
        rf"montreal: disk \S+ has {left} MiB free, a deploy needs 1024 MiB; free some space \(.*\)",
        said,
    )


@pytest.mark.parametrize("ref", ["0123456789abcdef0123456789abcdef01234567", "no-such-branch"])
def test_a_commit_that_the_remote_does_not_know(pair: Pair, ref: str) -> None:
    with untouched(pair.montreal):
        said = refusal(pair.operator, None, "--ref", ref)
    assert re.fullmatch(
        rf"montreal: git://\S+/origin\.git has no commit, branch or tag '{ref}'; push it first",
        said,
    )


@pytest.mark.parametrize("repository", ["git://{}:1/origin.git", "git://{}/other.git"])
def test_a_git_remote_that_cannot_be_read(pair: Pair, tmp_path: Path, repository: str) -> None:
    mirror = pair.montreal.address.rpartition(".")[0] + ".10"
    address = repository.format(mirror)
    with untouched(pair.montreal):
        said = refusal(pair.operator, pair.operator.inventory(tmp_path, repository=address))
    assert said.startswith(f"montreal: git cannot read {address}: fatal: ")


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"RU_BEARER_TOKEN": None}, ".env: RU_BEARER_TOKEN is missing"),
        ({"RU_BEARER_TOKEN": ""}, ".env: RU_BEARER_TOKEN is empty"),
        ({"RU_BEARER_TOKEN": "a1B2c3D4e5"}, ".env: RU_BEARER_TOKEN has 10 characters; at least 32"),
        (
            {"RU_BEARER_TOKEN": "change-me-4f0d1c9b8a7e6f5d4c3b2a1908f7e6d5"},
            ".env: RU_BEARER_TOKEN is an example or weak value; make one: openssl rand -hex 32",
        ),
        (
            {"RU_BEARER_TOKEN": "abababababababababababababababababab"},
            ".env: RU_BEARER_TOKEN is an example or weak value; make one: openssl rand -hex 32",
        ),
        (
            {"COMPOSE_FILE": "compose/docker-compose.yml"},
            ".env: COMPOSE_FILE is not 'compose/docker-compose.montreal.yml', which hosts.ini says",
        ),
    ],
    ids=["missing", "empty", "short", "example", "repeated", "another stack"],
)
def test_a_setting_that_cannot_be(pair: Pair, overrides: dict[str, str | None], said: str) -> None:
    with settings_kept(pair.montreal):
        pair.montreal.write_env(**overrides)
        with untouched(pair.montreal):
            assert refusal(pair.operator) == f"montreal: {said}"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["rm", ENV], f"no {ENV}: fab env.init makes it"),
        (["truncate", "-s", "0", ENV], f"{ENV} is empty: fab env.init fills it"),
        (["chmod", "644", ENV], f"{ENV} has mode 644: others can read it; chmod 600 {ENV}"),
        (["chown", "root", ENV], f"{ENV} belongs to root; run: sudo chown ubuntu {ENV}"),
    ],
    ids=["missing", "empty", "mode 644", "of root"],
)
def test_an_env_file_that_cannot_be(pair: Pair, command: list[str], said: str) -> None:
    with settings_kept(pair.montreal):
        pair.montreal.must(command)
        with untouched(pair.montreal):
            assert refusal(pair.operator) == f"montreal: {said}"


def test_more_cpus_than_the_server_has(pair: Pair) -> None:
    with settings_kept(pair.montreal):
        pair.montreal.write_env(RESOLVER_CPUS="512")
        with untouched(pair.montreal):
            ran = pair.operator.fab("montreal.deploy")
    assert refused(ran).startswith("montreal: item-resolver is limited to 512 CPUs, ")
