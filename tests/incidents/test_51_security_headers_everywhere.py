"""Security headers vanished in some locations: ``add_header`` drops the inherited ones.

Every location and status is asked in tests/edge; these are the real services behind.
"""

from __future__ import annotations

import pytest

from tests.lab.asking import ask
from tests.lab.scenes import Scene
from tests.names import API, SITE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

OWNED = {
    "x-frame-options": ["SAMEORIGIN"],
    "x-content-type-options": ["nosniff"],
    "x-xss-protection": ["1; mode=block"],
    "referrer-policy": ["strict-origin-when-cross-origin"],
    "strict-transport-security": ["max-age=31536000; includeSubDomains"],
}


@pytest.mark.parametrize(
    ("host", "path", "status"),
    [
        (SITE, "/", 200),
        (SITE, "/config.json", 200),
        (SITE, "/sw.js", 200),
        (SITE, "/assets/none.js", 404),
        (SITE, "/health", 200),
        (API, "/healthz", 200),
        (API, "/api/v1/wishlists", 401),
        (API, "/api/v1/events/stream", 422),
        (API, "/none", 404),
    ],
)
def test_each_is_there_once(scene: Scene, host: str, path: str, status: int) -> None:
    answer = ask(scene.ubuntu, host, path)
    assert answer.status == status
    assert {name: answer.all(name) for name in OWNED} == OWNED
    assert len(answer.all("content-security-policy")) == 1
