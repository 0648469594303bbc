"""A Debian 12, which has no compose 2 of its own: Docker's packages, and no key but Docker's."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fabfile.model.access.engine import DOCKER, FINGERPRINT
from tests.lab.bare import NAME, Bare, bare_host
from tests.lab.deployments import Operator, refused
from tests.lab.downloads import NAME as DOCKERS
from tests.lab.downloads import Downloads, downloads
from tests.lab.full import full
from tests.lab.rig import Lab
from tests.lab.rig.place import ROOT, Place
from tests.lab.test_bootstrap import NOTHING

INSTALLED = ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n"]
TRUSTED = ["sh", "-c", "ls -A /etc/apt/keyrings /etc/apt/sources.list.d"]


@pytest.fixture
def place() -> Place:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    return Place(number=int(worker.removeprefix("gw")) + 1)


@pytest.fixture
def dockers(lab: Lab, place: Place) -> Iterator[Downloads]:
    with downloads(place) as found:
        yield found


@pytest.fixture
def bare(lab: Lab, place: Place, dockers: Downloads, tmp_path: Path) -> Iterator[Bare]:
    names = {DOCKERS: dockers.address}
    with bare_host(lab, place, tmp_path, release="bookworm", names=names, engine="docker") as host:
        host.server.trust(dockers.certificate)
        host.pin()
        yield host


def who_believes_in(fingerprint: str, operator: Operator, folder: Path) -> Operator:
    """Somebody with the same tasks, to whom the lab's key is Docker's."""
    shutil.copytree(ROOT / "fabfile", folder / "fabfile")
    module = folder / "fabfile/model/access/engine.py"
    text = module.read_text()
    assert text.count(FINGERPRINT) == 1
    module.write_text(text.replace(FINGERPRINT, fingerprint))
    return Operator(operator.hosts_ini, folder)


@full
def test_a_debian_12_gets_the_engine_of_docker_and_no_key_but_dockers(
    bare: Bare, dockers: Downloads, tmp_path: Path
) -> None:
    without = bare.operator.inventory(tmp_path / "without", NAME)
    without.write_text(without.read_text().replace("engine = docker\n", ""))
    assert refused(bare.operator.fab("bare.bootstrap", hosts_ini=without)) == (
        "bare: debian 12 has no package of compose 2.20 or newer: set engine = docker, for the"
        " packages of Docker's own repository"
    )

    before = bare.server.must(TRUSTED)
    ran = bare.operator.fab("bare.bootstrap")
    assert ran.code == 1, ran
    assert ran.error.startswith("bare: apt repository of Docker: failed with exit code 1;")
    assert ran.evidence == [
        f"the key at https://{DOCKERS}/linux/debian/gpg is not {FINGERPRINT}: {dockers.fingerprint}"
    ]
    assert bare.server.must(TRUSTED) == before

    operator = who_believes_in(dockers.fingerprint, bare.operator, tmp_path / "tasks")
    ran = operator.must("bare.bootstrap")
    assert ran.out.endswith("[bare] ready: ubuntu may log in and deploy\n"), ran
    there = bare.server.must(INSTALLED).splitlines()
    assert {f"installed {one}" for one in DOCKER} <= {*there}
    assert not {"installed docker.io", "installed containerd", "installed runc"} & {*there}
    assert bare.operator.must("bare.bootstrap").out == NOTHING

    bare.operator.must("env.init")
    assert bare.operator.must("bare.deploy", "--yes").out.count("verified: runs") == 1
    assert bare.operator.must("doctor").out == "[bare] nothing is wrong\n"
    assert bare.server.must(["curl", "-sS", "http://127.0.0.1/"]) == "Hello\n"
