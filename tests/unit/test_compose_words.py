"""What the engine of a server is told, word by word, where one word more or less would do harm."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from invoke import Context

from fabfile.model.deploy import content
from fabfile.model.deploy.plan import Target
from fabfile.model.errors import Trouble
from fabfile.remote.deploy import compose, images
from fabfile.remote.host import Host
from fabfile.remote.look import script
from fabfile.remote.output import Output, Timeout

from .builders import CHECKOUT, SERVER, STACK, built, target

TREE = PurePosixPath("/opt/app/build/000000000001")
APART = PurePosixPath("/opt/app/build/000000000001.apart.json")
AT_HOME = [
    "docker compose", "--project-directory", f"{CHECKOUT}/compose",
    "--env-file", f"{CHECKOUT}/.env", "-f", f"{CHECKOUT}/compose/app.yml",
]  # fmt: skip
FROM_A_FILE = [*AT_HOME[:-1], str(APART)]
RESOLVED = {
    "name": "app",
    "services": {
        "db": {"image": "db:1", "volumes": [{"source": f"{CHECKOUT}/data", "target": "/data"}]},
        "api-1": {"image": "app/api:current", "build": {"context": f"{CHECKOUT}/services/api"}},
        "api-2": {"image": "app/api:current", "build": {"context": f"{CHECKOUT}/services/api"}},
        "web": {
            "image": "app/web:current",
            "build": {"context": f"{CHECKOUT}/services/web", "labels": {"a": "1"}},
        },
        "proxy": {"image": "proxy:1", "volumes": [{"source": f"{CHECKOUT}/nginx", "target": "/n"}]},
    },
}


class Told(Host):
    """A host that remembers what it is told to change."""

    def __init__(self) -> None:
        super().__init__(SERVER, Context())
        self.words: list[str] = []
        self.stdin = ""
        self.timeout: Timeout = 0.0

    def write(
        self, words: Sequence[str], *, stdin: str = "", timeout: Timeout = 60, check: bool = True
    ) -> Output:
        self.words, self.stdin, self.timeout = list(words), stdin, timeout
        return Output(0, "")


@pytest.fixture
def host() -> Told:
    return Told()


def test_compose_is_started_in_the_environment_that_a_look_starts_it_in(host: Told) -> None:
    compose.up(host, STACK.service("web"))
    assert host.words[:3] == ["bash", "-c", f'{compose.CLEAN}clean docker compose "$@"']
    assert script("main").startswith(compose.CLEAN)


def test_compose_is_told_to_start_no_git_whatever_the_login_says(
    host: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would have all settings of the server in its environment."""
    (tmp_path / "docker").write_text("#!/bin/sh\nenv\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("BUILDX_GIT_INFO", "true")
    compose.build(host, APART, "web")
    said = subprocess.run(host.words, capture_output=True, text=True, check=True, timeout=60)
    assert "BUILDX_GIT_INFO=false" in said.stdout.splitlines()


def test_up_builds_nothing_waits_for_health_and_means_one_service(host: Told) -> None:
    compose.up(host, STACK.service("web"))
    wait = ["--wait", "--wait-timeout", str(compose.HEALTHY)]
    assert host.words[3:] == [*AT_HOME, "up", "-d", "--no-build", *wait, "web"]


def test_up_is_given_as_long_as_the_container_may_take_to_start(host: Told) -> None:
    compose.up(host, replace(STACK.service("db"), start_period=600))
    assert host.words[-3:] == ["--wait-timeout", "660", "db"]
    assert host.timeout == 720


def test_up_by_force_recreates(host: Told) -> None:
    compose.up(host, STACK.service("web"), force=True)
    assert host.words[-2:] == ["--force-recreate", "web"]


def staged() -> Target:
    return replace(target(), resolved=json.dumps(RESOLVED))


def test_a_container_that_stays_gets_the_stack_as_it_was_resolved(host: Told) -> None:
    """With other paths it would mount, and be labelled with, what is gone after the deploy."""
    file = compose.stage_stack(host, TREE, staged())
    assert host.stdin == json.dumps(RESOLVED)
    compose.up(host, STACK.service("db"), stack=file)
    assert host.words[3:10] == [*AT_HOME[:-1], "/opt/app/build/000000000001.stack.json"]


def test_a_build_reads_the_tree_of_the_commit_alone(host: Told) -> None:
    assert compose.stage_apart(host, TREE, staged()) == APART
    build = json.loads(host.stdin)["services"]["web"]["build"]
    tag = target().images["web"].reference.rpartition(":")[2]
    assert build == {"context": f"{TREE}/services/web", "labels": {"a": "1", content.LABEL: tag}}
    compose.build(host, APART, "web")
    assert host.words[3:] == [*FROM_A_FILE, "build", "web"]
    compose.build(host, APART, "web", fresh=True)
    assert host.words[-3:] == ["--pull", "--no-cache", "web"]


def test_apart_every_image_is_named_by_content_and_files_of_the_commit_are_the_trees(
    host: Told,
) -> None:
    """A migration must not read the configuration that the commit replaces."""
    compose.stage_apart(host, TREE, staged())
    services = json.loads(host.stdin)["services"]
    assert {name: one["image"] for name, one in services.items()} == {
        name: wanted.reference for name, wanted in target().images.items()
    }
    assert services["proxy"]["volumes"] == [{"source": f"{TREE}/nginx", "target": "/n"}]
    assert services["db"]["volumes"] == [{"source": f"{CHECKOUT}/data", "target": "/data"}]


def test_a_one_off_container_starts_nothing_beside_it_and_is_removed(host: Told) -> None:
    compose.run_once(host, APART, "api-1", ["migrate", "up"], 600)
    assert host.words[3:] == [
        *FROM_A_FILE, "run", "--rm", "--no-deps", "-T", "api-1", "migrate", "up",
    ]  # fmt: skip


def test_a_smoke_test_has_no_network_and_gets_its_settings_by_input(host: Told) -> None:
    one = built("api-1", "api", environment={"A": "1", "SECRET": "x y$"})
    compose.smoke(host, one, "app/api:1f")
    assert host.words == [
        "docker", "run", "--rm", "--network", "none", "--env-file", "/dev/stdin", "app/api:1f",
    ]  # fmt: skip
    assert host.stdin == "A=1\nSECRET=x y$\n"


def test_a_stable_name_of_a_pulled_image_is_not_moved(host: Told) -> None:
    images.move_stable(host, target().images["db"])
    assert host.words == []
    images.move_stable(host, target().images["web"])
    assert host.words == ["docker", "tag", target().images["web"].reference, "app/web:current"]


class Ending(Told):
    """A host on which a container ends with a code, or does not end."""

    def __init__(self, code: str) -> None:
        super().__init__()
        self.code = code
        self.lines: list[list[str]] = []

    def write(
        self, words: Sequence[str], *, stdin: str = "", timeout: Timeout = 60, check: bool = True
    ) -> Output:
        self.lines.append(list(words))
        if words[:2] != ["docker", "wait"]:
            return Output(0, "")
        return Output(0, f"{self.code}\n") if self.code else Output(124, "")

    def read(
        self, words: Sequence[str], *, stdin: str = "", timeout: Timeout = 30, check: bool = True
    ) -> Output:
        return Output(0, "its last words\n")


def test_several_files_are_named_in_their_order_from_the_folder_of_the_first() -> None:
    files = (PurePosixPath("deploy/app.yml"), PurePosixPath("over.yml"))
    host = Host(replace(SERVER, compose=files), Context())
    words = compose.compose_words(host, "ps")[4:]
    assert words == [
        "--project-directory", f"{CHECKOUT}/deploy", "--env-file", f"{CHECKOUT}/.env",
        "-f", f"{CHECKOUT}/deploy/app.yml", "-f", f"{CHECKOUT}/over.yml", "ps",
    ]  # fmt: skip
    assert host.server.compose_file == "deploy/app.yml:over.yml"
    assert str(host.server.stack) == f"{CHECKOUT}/over.yml"


def test_one_that_may_run_on_has_done_so_once_it_was_watched() -> None:
    worker = replace(STACK.service("web"), completes=True, lasts=True)
    compose.complete(Ending(""), worker)
    with pytest.raises(Trouble):
        compose.complete(Ending("3"), worker)


def test_a_service_that_completes_is_waited_for_until_it_has_ended() -> None:
    host = Ending("0")
    compose.complete(host, STACK.service("web"), force=True)
    up, wait = host.lines
    assert up[3:] == [*AT_HOME, "up", "-d", "--no-build", "--force-recreate", "web"]
    assert wait == ["docker", "wait", "app-web"]


@pytest.mark.parametrize(("code", "how"), [("3", "ended with 3"), ("", "did not end within 600 s")])
def test_a_service_that_does_not_complete_fails_with_its_log(code: str, how: str) -> None:
    with pytest.raises(Trouble) as caught:
        compose.complete(Ending(code), STACK.service("web"))
    assert caught.value.message == f"ubuntu: web {how}; the end of its log is below"
    assert caught.value.evidence == ("its last words",)


@pytest.mark.parametrize(("start_period", "seconds"), [(0, 120), (60, 120), (300, 360), (90, 150)])
def test_a_container_may_take_its_start_period_and_more_to_become_healthy(
    start_period: float, seconds: int
) -> None:
    assert (
        compose.patience_with(replace(STACK.service("web"), start_period=start_period)) == seconds
    )
