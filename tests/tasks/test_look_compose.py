"""The look script with a real compose: a commit's stack is resolved as it will be checked out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from invoke import Context

from fabfile.model.commit import Commit
from fabfile.remote.deploy import compose
from fabfile.remote.host import Host

from ..unit.builders import SERVER
from .looked_at import Place

COMPOSE = Path(sys.executable).with_name("docker-compose")
WORKER = """\
services:
  worker:
    image: busybox:1
    environment: {SECRET: "${SECRET}"}
    volumes: ["./conf:/conf:ro", "../../shared:/shared"]
"""
COMPANIONS = {
    "env_file": ("    env_file: [./worker.conf]\n", "worker.conf", "LEVEL=%s\n"),
    "extends": (
        "    extends: {file: common.yml, service: base}\n",
        "common.yml",
        "services:\n  base:\n    environment: {LEVEL: %s}\n",
    ),
    "extends of another folder": (
        "    extends: {file: ../shared/base.yml, service: base}\n",
        "../shared/base.yml",
        "services:\n  base:\n    environment: {LEVEL: %s}\n",
    ),
}


@pytest.fixture
def server(place: Place) -> Place:
    """A server whose compose is the real one, with a checkout of the first commit."""
    plugin = place.folder / ".docker/cli-plugins/docker-compose"
    plugin.unlink()
    plugin.symlink_to(COMPOSE)
    place.commit_files("A worker", {"compose/app.yml": f"name: app\n{WORKER}"})
    (place.origin / "compose/.env").symlink_to("../.env")
    place.commit("A link to the settings")
    place.git("clone", "-q", str(place.origin), str(place.checkout), where=place.folder)
    (place.checkout / ".env").write_text("SECRET='kq8$vPz'\n")
    return place


def seen(server: Place) -> Commit:
    commit = server.look().commit
    assert commit is not None
    return commit


def services(commit: Commit) -> dict[str, Any]:
    assert not commit.resolved.startswith("error: "), commit.resolved
    found: dict[str, Any] = json.loads(commit.resolved)["services"]
    return found


def asked_in_the_checkout(server: Place, *words: str) -> str:
    """What compose says once the checkout stands on the branch."""
    server.git("pull", "-q", where=server.checkout)
    folder, env = server.checkout / "compose", server.checkout / ".env"
    options = {"--project-directory": folder, "--env-file": env, "-f": folder / "app.yml"}
    said = [str(word) for option in options.items() for word in option]
    done = subprocess.run(
        [str(COMPOSE), *said, *words],
        env={"HOME": str(server.folder), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def with_companion(server: Place, kind: str, level: str) -> None:
    line, file, text = COMPANIONS[kind]
    path = os.path.normpath(f"compose/{file}")
    stack = f"name: app\n{WORKER}{line}"
    server.commit_files(f"Level {level}", {"compose/app.yml": stack, path: text % level})


@pytest.mark.parametrize("kind", COMPANIONS)
def test_a_file_beside_the_stack_is_the_wanted_commits(server: Place, kind: str) -> None:
    """It is new there; then it is another one than the checkout's."""
    for level in ("low", "high"):
        with_companion(server, kind, level)
        commit = seen(server)
        assert services(commit)["worker"]["environment"]["LEVEL"] == level
        if level == "low":
            server.git("pull", "-q", where=server.checkout)


def test_a_stack_that_includes_another_file_is_the_wanted_commits(server: Place) -> None:
    server.commit_files(
        "Two",
        {
            "compose/app.yml": f"name: app\ninclude: [more.yml]\n{WORKER}",
            "compose/more.yml": "services: {more: {image: 'busybox:2'}}\n",
        },
    )
    assert sorted(services(seen(server))) == ["more", "worker"]


def test_paths_are_those_of_the_checkout_and_of_what_stands_beside_it(server: Place) -> None:
    mounts = services(seen(server))["worker"]["volumes"]
    assert [mount["source"] for mount in mounts] == [
        f"{server.checkout}/compose/conf",
        f"{server.folder}/shared",
    ]


@pytest.mark.parametrize(
    "file", ["./.env", "../.env", "./local.conf", "./local/deep.conf", "../../beside.conf"]
)
def test_a_file_that_git_does_not_hold_is_the_servers_own(server: Place, file: str) -> None:
    path = Path(os.path.normpath(server.checkout / "compose" / file))
    path.parent.mkdir(exist_ok=True)
    path.write_text("OWN=kept\nSECRET='kq8$vPz'\n")
    stack = f"name: app\n{WORKER}    env_file: [{file}]\n"
    server.commit_files("Its own", {"compose/app.yml": stack})
    assert services(seen(server))["worker"]["environment"]["OWN"] == "kept"


def test_a_first_look_finds_the_settings_before_there_is_a_checkout(server: Place) -> None:
    stack = f"name: app\n{WORKER}    env_file: [.env]\n"
    server.commit_files("Its own", {"compose/app.yml": stack})
    (server.checkout / ".git").rename(server.folder / "no-git")
    (server.checkout / "compose").rename(server.folder / "no-compose")
    (server.checkout / ".env").write_text("SECRET='kq8$vPz'\nOWN=kept\n")
    assert services(seen(server))["worker"]["environment"]["OWN"] == "kept"


def test_a_file_that_is_nowhere_is_refused_by_the_path_that_it_would_have(server: Place) -> None:
    server.commit_files(
        "Missing", {"compose/app.yml": f"name: app\n{WORKER}    env_file: [./gone.conf]\n"}
    )
    resolved = seen(server).resolved
    assert resolved.startswith("error: ")
    assert f" {server.checkout}/compose/gone.conf " in resolved


RICH = """\
name: app
configs:
  text: {content: "hello ${SECRET}"}
  file: {file: ./worker.conf}
secrets: {key: {environment: SECRET}}
services:
  worker:
    image: busybox:1
    env_file: [./worker.conf, {path: ./none.conf, required: false}]
    environment: {UNSET: , DOLLAR: "a$$b", SECRET: "${SECRET}"}
    entrypoint: ["sh", "-c", "echo $$HOME"]
    command: []
    volumes: ["./conf:/conf:ro", "data:/d", "../../shared:/s", {type: tmpfs, target: /t}]
    configs: [text, {source: file, target: /f}]
    secrets: [key]
    ports: ["8000-8002:8000-8002", "53:53/udp", "127.0.0.1::90", "7000-7010:80"]
    healthcheck: {test: [CMD-SHELL, 'x "$$y"'], interval: 1m30s, start_period: 5m}
    ulimits: {nofile: 100000}
    deploy: {resources: {limits: {cpus: "0.5", memory: 1g}}}
    networks: {default: {aliases: [w]}, back: {ipv4_address: 10.9.8.7}}
    logging: {driver: json-file, options: {max-size: 10m}}
    labels: {a: "b=${SECRET}"}
    tmpfs: [/tmp]
    restart: unless-stopped
networks: {back: {ipam: {config: [{subnet: 10.9.8.0/24}]}}}
volumes: {data: {driver_opts: {type: none, o: bind, device: /srv/data}}}
"""


def test_the_digest_of_a_definition_is_the_one_that_compose_computes_in_the_checkout(
    server: Place,
) -> None:
    """Another one would replace an unchanged container at every deploy."""
    server.commit_files(
        "Rich", {"compose/app.yml": RICH, "compose/worker.conf": "W='$1 \"q\"'\nV=$${SECRET}\n"}
    )
    commit = seen(server)
    assert commit.hashes == asked_in_the_checkout(server, "config", "--hash", "*")
    resolved = asked_in_the_checkout(server, "config", "--format", "json")
    assert json.loads(commit.resolved) == json.loads(resolved)


STRANGE = {
    "SECRET": "from the login",
    "COMPOSE_PROJECT_NAME": "other",
    "COMPOSE_FILE": "/nowhere.yml",
    "COMPOSE_PROFILES": "other",
    "LEVEL": "strange",
}


def test_a_variable_of_the_login_is_in_neither_a_look_nor_a_change(
    server: Place, tmp_path: Path
) -> None:
    """In /etc/environment it would be drift for ever, or another project."""
    line = "    environment: {LEVEL: , SECRET: '${SECRET}'}\n"
    stack = "name: app\nservices:\n  worker:\n    image: busybox:1\n" + line
    server.commit_files("Passed on", {"compose/app.yml": stack})
    before = seen(server)
    server.environment |= STRANGE
    looked = seen(server)
    assert (looked.resolved, looked.hashes) == (before.resolved, before.hashes)
    shown = tmp_path / "bin" / "docker"
    shown.parent.mkdir()
    shown.write_text("#!/bin/sh\nenv\n")
    shown.chmod(0o755)
    words = compose.compose_words(Host(SERVER, Context()), "up")
    done = subprocess.run(
        words,
        env={**server.environment, "PATH": f"{shown.parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {line.partition("=")[0] for line in done.stdout.splitlines()} & set(STRANGE)


@pytest.mark.parametrize(
    ("attribute", "expected"), [("export-ignore", "kept"), ("export-subst", "$Format:%H$")]
)
def test_attributes_of_an_archive_change_nothing_that_is_deployed(
    server: Place, attribute: str, expected: str
) -> None:
    stack = f"name: app\n{WORKER}    env_file: [./worker.conf]\n"
    server.commit_files(
        "Attributes",
        {
            "compose/app.yml": stack,
            "compose/worker.conf": f"LEVEL='{expected}'\n",
            ".gitattributes": f"compose/worker.conf {attribute}\n",
        },
    )
    found = services(seen(server))["worker"]["environment"]["LEVEL"]
    assert found == expected.replace("$", "$$")


def test_a_commit_with_a_link_out_of_it_has_nothing_written_where_that_leads(
    server: Place,
) -> None:
    """A look changes nothing, whatever stands in the commit that is looked at."""
    server.commit_files("A folder", {"conf/a": "x"})
    server.git("pull", "-q", where=server.checkout)
    (server.checkout / "conf/own/deep").mkdir(parents=True)
    (server.checkout / "conf/own/deep/file").write_text("OWN=kept\n")
    outside = server.folder / "outside"
    outside.mkdir()
    server.git("rm", "-rq", "conf")
    (server.origin / "conf").symlink_to(outside)
    server.commit("A link")
    assert list(services(seen(server))) == ["worker"]
    assert list(outside.iterdir()) == []


def test_a_commit_that_cannot_be_laid_out_whole_is_refused_and_never_half_read(
    server: Place,
) -> None:
    """A disk that fills up meanwhile would leave an empty env_file."""
    git = server.folder / "bin/git"
    git.write_text(
        '#!/bin/sh\nPATH=${PATH#*:}\ncase "$*" in *checkout-index*)'
        " echo 'fatal: No space left on device' >&2; exit 128 ;; esac\n"
        'exec git "$@"\n'
    )
    git.chmod(0o755)
    commit = seen(server)
    assert commit.resolved.strip() == ("unread: fatal: No space left on device")
    assert commit.hashes.strip() == ""


def test_attributes_of_the_user_change_nothing_that_is_deployed(server: Place) -> None:
    """A checkout does not read them either."""
    with_companion(server, "env_file", "'$Id$'")
    mine = server.folder / ".config/git/attributes"
    mine.parent.mkdir(parents=True)
    mine.write_text("*.conf ident\n")
    assert services(seen(server))["worker"]["environment"]["LEVEL"] == "$$Id$$"


def test_files_that_a_filter_would_fill_are_named(server: Place) -> None:
    server.commit_files(
        "Large files",
        {
            ".gitattributes": "*.bin filter=lfs diff=lfs\nplain.bin -filter\n",
            "services/web/a b.bin": "version https://git-lfs.github.com/spec/v1\n",
            "plain.bin": "x",
            "services/web/c": "x",
        },
    )
    assert seen(server).filtered == ("services/web/a b.bin",)


def test_a_later_file_overrides_an_earlier_one(server: Place) -> None:
    over = "services: {worker: {environment: {SECRET: another}}}\n"
    server.commit_files("Over it", {"over.yml": over})
    commit = server.look(stacks="compose/app.yml:over.yml").commit
    assert commit is not None
    worker = services(commit)["worker"]
    assert worker["environment"] == {"SECRET": "another"}
    conf = str(server.checkout / "compose/conf")  # from the folder of the first file
    assert next(one["source"] for one in worker["volumes"]) == conf
    assert commit.hashes.startswith("worker ")


def test_what_the_stack_reads_and_nobody_sets_is_seen_without_settings_too(server: Place) -> None:
    assert seen(server).unset == ()
    (server.checkout / ".env").unlink()
    commit = seen(server)
    assert commit.unset == ("SECRET",)
    assert services(commit)["worker"]["environment"] == {"SECRET": ""}
    assert commit.hashes.startswith("worker ")
