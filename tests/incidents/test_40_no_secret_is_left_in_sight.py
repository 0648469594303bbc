"""A token in a health check's words, a JWT in the access log, a secret in a validation error."""

from __future__ import annotations

import json

from tests.lab.asking import ask, connected, person
from tests.lab.rig.server import CHECKOUT
from tests.lab.scenes import Scene
from tests.lab.seen import now, written
from tests.names import API

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

SECRETS = ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "JWT_SECRET_KEY", "RU_BEARER_TOKEN")


def values(scene: Scene) -> list[str]:
    """The secrets of the server's ``.env``."""
    lines = scene.ubuntu.must(["cat", f"{CHECKOUT}/.env"]).splitlines()
    settings = dict(line.split("=", 1) for line in lines if "=" in line and line[0] != "#")
    return [settings[name] for name in SECRETS]


def test_what_the_engine_tells_of_containers_and_images_holds_no_secret(scene: Scene) -> None:
    """Beside the environment, which is what a service gets its secrets by."""
    told = []
    for kind in ("container", "image"):
        ids = scene.ubuntu.must(["docker", kind, "ls", "-aq"]).split()
        for one in json.loads(scene.ubuntu.must(["docker", kind, "inspect", *ids])):
            one.get("Config", {}).pop("Env" if kind == "container" else "", None)
            told.append(json.dumps(one))
    argv = scene.ubuntu.must(["sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '"])
    for secret in values(scene):
        assert [text[:200] for text in told if secret in text] == []
        assert secret not in argv


def test_a_token_in_an_address_reaches_no_log(scene: Scene) -> None:
    since = now(scene.ubuntu)
    somebody = person()
    made = ask(scene.ubuntu, API, "/api/v1/auth/register", "POST", somebody)
    assert made.status == 201, made
    token = made.json["access_token"]
    with connected(scene.ubuntu, API) as connection:
        connection.request("GET", f"/api/v1/events/stream?token={token}")
        assert connection.getresponse().status == 200
    for service in ("nginx", "core-api-1", "core-api-2"):
        logged = "".join(written(scene.ubuntu, service, since))
        assert '"path":"/api/v1/auth/register"' in logged or service != "nginx"
        assert token not in logged
        assert somebody["password"] not in logged


def test_what_is_wrong_with_a_request_is_said_without_what_it_holds(scene: Scene) -> None:
    wrong = {**person(), "email": "nobody", "password": "a secret too short"[:5]}
    answer = ask(scene.ubuntu, API, "/api/v1/auth/register", "POST", wrong)
    assert answer.status == 422, answer
    assert wrong["password"] not in answer.body
