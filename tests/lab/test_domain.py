"""Another name for the site, on real servers: refused half set, then one load of the proxy."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.lab.asking import ask
from tests.lab.deployments import Operator
from tests.lab.full import full
from tests.lab.rig.server import CHECKOUT
from tests.lab.scenes import Scene, reasons
from tests.lab.seen import settings_kept
from tests.names import API, SITE, WWW

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

OTHER = ("wish.example", "www.wish.example", "api.wish.example")
CORS = "access-control-allow-origin"


def served(scene: Scene) -> dict[str, int]:
    return {name: ask(scene.ubuntu, name, "/health").status for name in (SITE, WWW, API, *OTHER)}


def allowed(scene: Scene, name: str, origin: str) -> list[str]:
    """By core-api, and by the proxy itself, which takes no such method."""
    origins = [
        ask(scene.ubuntu, name, "/api/v1/auth/me", method, headers={"Origin": origin}).all(CORS)
        for method in ("GET", "TRACE")
    ]
    return [one for found in origins for one in found]


def test_the_page_finds_the_api_by_the_sites_name_unless_env_says_where(scene: Scene) -> None:
    resolved = json.loads(scene.by_hand("API_URL= docker compose config --format json"))
    assert resolved["services"]["frontend"]["environment"]["API_URL"] == f"https://{API}"
    assert resolved["x-deploy"]["nginx"]["names"] == {"site": [SITE, WWW], "api": [API]}


@full
@pytest.mark.usefixtures("placeholders")
def test_another_name_is_refused_half_set_then_served_without_a_gap(
    scene: Scene, tmp_path: Path
) -> None:
    runs, before = scene.runs, dict.fromkeys((SITE, WWW, API), 200) | dict.fromkeys(OTHER, 421)
    assert served(scene) == before
    hosts = scene.operator.inventory(tmp_path / "other", "ubuntu", domains=", ".join(OTHER))
    renamed = replace(scene, operator=Operator(hosts))
    with settings_kept(scene.ubuntu):
        scene.by_hand(f"sed -i 's/^DOMAIN=.*/DOMAIN={OTHER[0]}/' .env")
        half = scene.deploy(runs)
        assert (half.code, half.out, half.evidence) == (2, "", [])
        assert half.error == (
            f"ubuntu: gates ask {OTHER[2]}, {OTHER[0]} (api, site), but hosts.ini has domains ="
            f" {SITE}, {WWW}, {API} for [ubuntu]; set DOMAIN in {CHECKOUT}/.env, or domains: both"
            " must name your site"
        )
        assert served(scene) == before
        assert reasons(renamed.plan(runs), "certificate", "test-proxy", "start") == {
            "self-made": f"the one that is there is not for {OTHER[0]}, {OTHER[2]}",
            "nginx": "nginx -t in the target image",
            "core-api": "definition or environment changed: 2 new beside 2",
        }
        with scene.only_replaces("core-api"):
            renamed.deployed(runs)
        now = dict.fromkeys((SITE, WWW, API), 421) | dict.fromkeys(OTHER, 200)
        assert served(scene) == now
        origin = f"https://{OTHER[0]}"
        assert allowed(scene, OTHER[2], origin) == [origin] * 2
        assert allowed(scene, OTHER[2], f"https://{SITE}") == []
        scene.by_hand("sed -i 's/^DOMAIN=.*/DOMAIN=https:\\/\\/wish.example;/' .env")
        wrong = renamed.deploy(runs)
        line = "ubuntu: .env: DOMAIN is not a domain name such as example.org, in small letters"
        assert (wrong.code, wrong.error, wrong.evidence) == (2, line, [])
        assert served(scene) == now
    with scene.only_replaces("core-api"):
        scene.deployed(runs)
    assert served(scene) == before
