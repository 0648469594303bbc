"""``builder``: another machine builds, and the server gets the layers that it lacks, over SSH."""

from __future__ import annotations

import os
import re
import stat
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab.deployments import Operator, Ran
from tests.lab.full import full
from tests.lab.rig import Server, relay
from tests.lab.rig.place import ROOT
from tests.lab.rig.plugin import on_linux
from tests.lab.scenes import APP, PAGE, Scene, ending, step_names, titled
from tests.lab.seen import STATE
from tests.names import SITE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")
pytestmark = full

ARRIVED = f"ls -A {STATE}/build/.images"
LEFT = "ls -A ~/.cache/wishwithme/images 2>/dev/null || true"
SSH = """\
#!/bin/sh
unset DOCKER_HOST DOCKER_CONFIG
exec docker exec -i {container} docker system dial-stdio
"""
"""What ``docker`` starts for an engine at an ``ssh://`` address."""


def built_on(scene: Scene, folder: Path, builder: str, **environment: str) -> Scene:
    """The same, where ``ubuntu`` has a builder."""
    inventory = scene.operator.inventory(folder / builder, "ubuntu", builder=builder)
    return replace(scene, operator=Operator(inventory, ROOT, **environment))


@pytest.fixture
def elsewhere(scene: Scene, tmp_path: Path) -> Scene:
    """Montreal builds for ubuntu."""
    return built_on(scene, tmp_path, "montreal")


@pytest.fixture
def local(scene: Scene, tmp_path: Path) -> Scene:
    """The machine that runs fab builds for ubuntu, with the engine of montreal."""
    if not on_linux():
        pytest.skip("no compose for this machine in its environment")
    programs, config = tmp_path / "bin", tmp_path / "docker"
    (config / "cli-plugins").mkdir(parents=True)
    compose = Path(sys.executable).with_name("docker-compose")
    (config / "cli-plugins/docker-compose").symlink_to(compose)
    programs.mkdir()
    ssh = programs / "ssh"
    ssh.write_text(SSH.format(container=scene.lab.server("montreal").container))
    ssh.chmod(0o755)
    return built_on(
        scene,
        tmp_path,
        "local",
        PATH=f"{programs}:{os.environ['PATH']}",
        DOCKER_HOST="ssh://montreal",
        DOCKER_CONFIG=str(config),
        XDG_CACHE_HOME=str(tmp_path / "cache"),
    )


def layers(ran: Ran, service: str) -> tuple[int, int]:
    """How many layers came for a service, of how many."""
    found = re.search(rf"✓ build {service} .*\((\d+) of (\d+) layers", ran.out)
    assert found, ran
    return int(found[1]), int(found[2])


def content(server: Server, service: str) -> str:
    """The newest image of a service, by its content tag."""
    name = f"wishwithme/{service}"
    words = ["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", name]
    newest = server.must(words).splitlines()
    return next(one for one in newest if re.search(r":[0-9a-f]{16}$", one))


def identity(server: Server, reference: str) -> str:
    return server.must(["docker", "image", "inspect", "-f", "{{.Id}}", reference]).strip()


def plays(scene: Scene) -> None:
    """A page, then the API, then back; nothing is built on the server, or left on the way."""
    stamp = time.time_ns()
    page = scene.change("A page", {PAGE: titled(f"elsewhere {stamp}")})
    with scene.only_replaces("frontend"):
        ran = scene.deployed(page)
    assert layers(ran, "frontend")[0] < layers(ran, "frontend")[1]
    assert f"<title>Wish With Me: elsewhere {stamp}</title>" in scene.get(SITE)[1]
    api = scene.change("The API", {APP: ending(f"ELSEWHERE = {stamp}")})
    with scene.only_replaces("core-api"):
        ran = scene.deployed(api)
    came, total = layers(ran, "core-api")
    assert came < total
    assert "build core-api" in step_names(scene.record(api))
    with scene.only_replaces("core-api"):
        scene.operator.must("ubuntu.rollback")
    assert scene.runs == page
    scene.proves()
    assert scene.by_hand(ARRIVED) == ""


def test_another_server_builds(elsewhere: Scene) -> None:
    montreal = elsewhere.lab.server("montreal")
    plays(elsewhere)
    reference = content(elsewhere.ubuntu, "core-api")
    assert identity(montreal, reference) == identity(elsewhere.ubuntu, reference)
    assert montreal.must(["bash", "-c", LEFT], user="ubuntu") == ""


def test_the_machine_that_runs_fab_builds(local: Scene, tmp_path: Path) -> None:
    plays(local)
    cache = tmp_path / "cache/wishwithme/images"
    assert list(cache.iterdir()) == []
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700


def heavy(scene: Scene, size: int) -> str:
    """A commit whose page comes with so many bytes that cannot be packed, made by the build."""
    more = ending(f"RUN head -c {size} /dev/urandom >/var/tmp/payload")
    return scene.change("A heavy page", {"services/frontend/Dockerfile": more})


@pytest.fixture
def cut(elsewhere: Scene, tmp_path: Path) -> Iterator[tuple[Scene, Operator]]:
    """An operator whose connections to ubuntu break off after 6 MB."""
    ubuntu = elsewhere.ubuntu
    with relay.broken_after(("127.0.0.1", ubuntu.ports[22]), 6_000_000) as (host, port):
        known = elsewhere.operator.hosts_ini.with_name("known_hosts").read_text()
        inventory = elsewhere.operator.inventory(
            tmp_path / "cut", "ubuntu", host=host, port=str(port)
        )
        place = f"[127.0.0.1]:{ubuntu.ports[22]}"
        inventory.with_name("known_hosts").write_text(known.replace(place, f"[{host}]:{port}"))
        yield elsewhere, Operator(inventory)


def test_a_copy_that_was_cut_goes_on_where_it_was(cut: tuple[Scene, Operator]) -> None:
    scene, shaky = cut
    page = heavy(scene, 12_000_000)
    with scene.comes_back():
        ran = shaky.fab("ubuntu.deploy", "--ref", page)
        assert ran.code == 1, ran
        assert "the running system was not touched" in ran.err
    (part,) = scene.by_hand(ARRIVED).split()
    size = int(scene.by_hand(f"stat -c %s {STATE}/build/.images/{part}"))
    assert 0 < size < 12_000_000
    ran = scene.deployed(page)
    assert f"resumed at {size / 1e6:.1f} MB" in ran.out
    assert scene.by_hand(ARRIVED) == ""


@pytest.fixture
def narrow(elsewhere: Scene) -> Iterator[Scene]:
    """What arrives on ubuntu has 8 MB in all."""
    folder = f"{STATE}/build/.images"
    elsewhere.ubuntu.must(
        ["sh", "-c", f"mkdir -p {folder}; mount -t tmpfs -o size=8m,mode=1777 x {folder}"]
    )
    yield elsewhere
    elsewhere.ubuntu.must(["umount", folder])


def test_a_disk_without_room_is_one_line_and_changes_nothing(narrow: Scene) -> None:
    page = narrow.change("A page", {PAGE: titled("narrow")})
    with narrow.comes_back():
        ran = narrow.deploy(page)
    assert ran.code == 1, ran
    assert re.fullmatch(
        rf"ubuntu: 8 MiB are free in {STATE}/build, the image takes \d+ MiB and 256 MiB must stay:"
        r" make room with fab ubuntu\.prune; the running system was not touched",
        ran.error,
    )
    assert narrow.by_hand(ARRIVED) == ""


def test_a_registry_of_ones_own_brings_the_image(elsewhere: Scene, tmp_path: Path) -> None:
    mirror = elsewhere.ubuntu.must(["sh", "-c", "echo $LAB_MIRROR"]).strip()
    registry = f"{mirror}/team"
    inventory = elsewhere.operator.inventory(tmp_path / "by", "ubuntu", registry=registry)
    scene = replace(elsewhere, operator=Operator(inventory))
    page = scene.change("A page", {PAGE: titled("by a registry")})
    with scene.only_replaces("frontend"):
        ran = scene.deployed(page)
    assert f"(by {registry})" in ran.out
    for server in (scene.ubuntu, scene.lab.server("montreal")):
        assert registry not in server.must(["docker", "image", "ls"])
