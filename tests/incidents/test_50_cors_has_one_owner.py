"""CORS headers twice, or not at all: two layers owned one header."""

from __future__ import annotations

import pytest

from tests.lab.asking import ask
from tests.lab.scenes import Scene
from tests.names import API, SITE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

PATHS = ("/healthz", "/api/v1/wishlists", "/api/v1/none", "/none")
ALLOW = "access-control-allow-origin"


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_the_site_is_allowed_exactly_once_and_nobody_else(scene: Scene, method: str) -> None:
    told: dict[str, list[str]] = {}
    for path in PATHS:
        for origin in (f"https://{SITE}", "https://elsewhere.example"):
            headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            answer = ask(scene.ubuntu, API, path, method, headers=headers)
            assert answer.status != 429, "asked too often"
            told[f"{path} for {origin}"] = answer.all(ALLOW)
    assert told == {
        f"{path} for {origin}": [origin] if origin.endswith(SITE) else []
        for path in PATHS
        for origin in (f"https://{SITE}", "https://elsewhere.example")
    }
