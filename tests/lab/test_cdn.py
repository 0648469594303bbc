"""Behind a CDN, by a real deploy: a client is who it says, in the log and for the limits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.lab.asking import ask
from tests.lab.deployments import Operator
from tests.lab.full import full
from tests.lab.scenes import Scene
from tests.lab.seen import asked, now
from tests.names import API, SITE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

HEADER = "CF-Connecting-IP"
ONE, OTHER = "203.0.113.9", "203.0.113.10"


def door(scene: Scene) -> str:
    """Who the proxy takes us for, who say that we are somebody else."""
    since = now(scene.ubuntu)
    assert ask(scene.ubuntu, SITE, headers={HEADER: ONE}).status == 200
    return str(asked(scene.ubuntu, since)[-1]["client"])


@full
def test_a_client_is_who_the_cdn_says_and_is_limited_as_such(scene: Scene, tmp_path: Path) -> None:
    ours = door(scene)
    assert ours != ONE
    behind = scene.operator.inventory(
        tmp_path / "cdn", "ubuntu", cdn_ranges=f"{ours}/32", cdn_header=HEADER
    )
    replace(scene, operator=Operator(behind)).deployed(scene.runs)
    assert door(scene) == ONE
    statuses: list[int] = []
    while not statuses or statuses[-1] == 401:
        statuses.append(ask(scene.ubuntu, API, "/api/v1/auth/me", headers={HEADER: ONE}).status)
    # A burst of six; what is let through while it lasts is one more every 12 s.
    assert (len(statuses), statuses[-1]) in {(7, 429), (8, 429)}
    assert ask(scene.ubuntu, API, "/api/v1/auth/me", headers={HEADER: OTHER}).status == 401
    scene.deployed(scene.runs)
    assert door(scene) == ours
