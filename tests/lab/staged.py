"""Fixtures of scenes.

A test module gets them with ``pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.alone import LEFT_WELL
from tests.lab.commits import Origin
from tests.lab.deployments import Operator, Pair
from tests.lab.rig import Lab
from tests.lab.scenes import Scene
from tests.lab.seen import STATE

__all__ = ["patient", "placeholders", "scene", "scenes"]

KEEP = f"rm -rf /root/certs && cp -a {STATE}/certs /root/certs"
BACK = f"""
rm -rf {STATE}/acme {STATE}/authority {STATE}/proxy/acme
for file in fullchain.pem privkey.pem trust/peer.pem trust/ca-bundle.pem; do
  [ ! -e /root/certs/$file ] || cp -a /root/certs/$file {STATE}/certs/$file
done
docker exec wishwithme-nginx nginx -s reload
"""


@pytest.fixture(scope="session")
def scenes(lab: Lab, operator: Operator, origin: Origin) -> Pair:
    """Not the pair that other tests share: where a scene may begin, they may not."""
    return Pair(lab, operator, origin)


@pytest.fixture
def scene(scenes: Pair, request: pytest.FixtureRequest) -> Iterator[Scene]:
    """Both servers verified: at the base, or where the last scene that passed left them."""
    failed, left = request.session.testsfailed, request.config.stash
    scenes.make_good(after_a_failure=failed > 0, left_well=left.get(LEFT_WELL, False))
    left[LEFT_WELL] = False
    yield Scene(scenes.lab, scenes.operator, scenes.origin)
    left[LEFT_WELL] = request.session.testsfailed == failed


@pytest.fixture
def patient(scene: Scene, tmp_path: Path) -> Scene:
    """The same, and its gates may take the time that they have by default."""
    return scene.patient(tmp_path)


@pytest.fixture(scope="module")
def placeholders(scenes: Pair) -> Iterator[None]:
    """Both servers with what their first deploy made, at the beginning and at the end."""
    scenes.make_good()
    servers = (scenes.ubuntu, scenes.montreal)
    for server in servers:
        server.must(["sh", "-ec", KEEP])
    yield
    for server in servers:
        server.must(["sh", "-ec", BACK])
