"""Rate limiting answered 503 without CORS headers, and the browser said "CORS error".

A real browser meets the limit in tests/lab/test_visit.py.
"""

from __future__ import annotations

from tests.lab.asking import ask
from tests.lab.scenes import Scene
from tests.names import API, SITE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

NOBODY = {"email": "nobody@example.org", "password": "never was one"}


def test_who_asks_too_often_is_told_so_in_words_that_a_page_can_read(scene: Scene) -> None:
    origin = {"Origin": f"https://{SITE}"}
    answers = [
        ask(scene.ubuntu, API, "/api/v1/auth/login", "POST", NOBODY, origin) for _ in range(8)
    ]
    assert {answer.status for answer in answers} <= {401, 429}
    refused = answers[-1]
    assert refused.status == 429
    assert refused.all("retry-after") == ["12"]
    assert refused.all("access-control-allow-origin") == [f"https://{SITE}"]
    assert refused.all("content-type") == ["application/json"]
    assert refused.json == {"detail": "too many requests, try again later"}
