"""What both servers must know alike is changed by one deploy of both."""

from __future__ import annotations

import secrets

from tests.lab.full import full
from tests.lab.scenes import Scene, reasons

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


@full
def test_a_new_token_in_both_settings_is_deployed_as_one_decision(scene: Scene) -> None:
    """Alone, either server would end with a red link."""
    token, runs = secrets.token_hex(32), scene.runs
    montreal = scene.lab.server("montreal")
    scene.operator.must("deploy", "--ref", runs)
    try:
        for server in (scene.ubuntu, montreal):
            server.write_env(RU_BEARER_TOKEN=token)
        changed = "definition or environment changed: 2 new beside 2"
        assert reasons(scene.plan(runs), "start") == {"core-api": changed}
        ran = scene.operator.must("deploy", "--ref", runs)
        places = {
            "wishwithme-item-resolver-2": (montreal, "RU_BEARER_TOKEN"),
            "wishwithme-core-api-2": (scene.ubuntu, "ITEM_RESOLVER_TOKEN"),
        }
        for container, (server, key) in places.items():
            assert server.must(["docker", "exec", container, "printenv", key]) == f"{token}\n"
        assert token not in ran.out + ran.err
        scene.proves()
    finally:
        for server in (scene.ubuntu, montreal):
            server.write_env()
        scene.operator.must("deploy", "--ref", runs)
