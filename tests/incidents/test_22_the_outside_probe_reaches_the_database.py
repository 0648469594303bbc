"""/health was nginx's own static 200, and a prefix match made /healthz a 404."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.lab.scenes import REPLICAS, Scene
from tests.lab.seen import asked, now
from tests.names import API, SITE

if TYPE_CHECKING:
    from tests.incidents.stories import BackendsGone

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged", "tests.incidents.stories")


def test_the_probe_from_outside_goes_through_the_proxy_to_a_backend(scene: Scene) -> None:
    """Nobody else answers for core-api, and each path is the path that was asked."""
    since = now(scene.ubuntu)
    status, body = scene.get(API, "/healthz")
    assert (status, json.loads(body)["checks"]) == (200, {"database": "ok", "redis": "ok"})
    assert scene.get(API, "/health") == (200, '{"status":"ok"}')
    assert scene.get(SITE, "/health") == (200, '{"status":"ok"}')
    assert scene.get(API, "/healthzz")[0] == 404
    boxes = scene.boxes()
    replicas = {f"{boxes[name].address}:8000" for name in REPLICAS}
    probes = [line for line in asked(scene.ubuntu, since) if line["path"].startswith("/health")]
    assert len(probes) >= 4
    assert {line["upstream"] for line in probes} <= replicas


def test_the_probe_from_outside_is_red_without_the_database(backends_gone: BackendsGone) -> None:
    gate = backends_gone.gates["outside:api"]
    assert gate["ok"] is False
    assert gate["why"].startswith("answered 503, expected 200: ")
    assert backends_gone.gates["outside:site"]["ok"] is True
