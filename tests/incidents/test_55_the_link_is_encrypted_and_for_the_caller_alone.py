"""Resolver traffic and its bearer token crossed the Internet in clear."""

from __future__ import annotations

from tests.lab.rig.server import CHECKOUT
from tests.lab.scenes import Scene

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

ASK = """
import os, ssl, certifi, httpx
url = os.environ["ITEM_RESOLVER_URL"].rstrip("/") + "/healthz"
headers = {"Authorization": "Bearer " + os.environ["ITEM_RESOLVER_TOKEN"]}
print(httpx.get(url, headers=headers).status_code)
print(httpx.get(url.replace("https:", "http:"), headers=headers).status_code)
try:
    httpx.get(url, verify=ssl.create_default_context(cafile=certifi.where()))
except httpx.ConnectError as error:
    print("refused" if "CERTIFICATE_VERIFY_FAILED" in str(error) else error)
"""


def test_the_caller_speaks_tls_to_a_certificate_that_it_knows(scene: Scene) -> None:
    """In clear nothing answers; and without the link's own trust the call is not made."""
    url = scene.ubuntu.must(["sh", "-c", f"grep ^ITEM_RESOLVER_URL= {CHECKOUT}/.env"])
    montreal = scene.lab.server("montreal")
    assert url.strip() == f"ITEM_RESOLVER_URL=https://{montreal.address}:8001"
    words = ["docker", "exec", "wishwithme-core-api-1", "python", "-c", ASK]
    assert scene.ubuntu.must(words).split() == ["200", "400", "refused"]


def test_nobody_but_the_caller_is_let_in(scene: Scene) -> None:
    """Whoever else knows the token is told nothing, not even whether it is right."""
    montreal = scene.lab.server("montreal")
    token = montreal.must(["sh", "-c", f"sed -n 's/^RU_BEARER_TOKEN=//p' {CHECKOUT}/.env"]).strip()
    url = f"https://{montreal.address}:8001/healthz"
    config = f'header = "Authorization: Bearer {token}"\nurl = "{url}"\n'
    words = ["curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", "-K", "-"]
    assert scene.ubuntu.must(words, stdin=config) == "200"
    assert montreal.must(words, stdin=config) == "403"
    assert montreal.must(words, stdin=config.replace(token, "wrong")) == "403"
