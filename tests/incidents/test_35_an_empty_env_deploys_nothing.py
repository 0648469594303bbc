"""An empty `.env` was deployed with the public default secrets of `${X:-weak}`."""

from __future__ import annotations

import re

import pytest

from fabfile.model.access.envfile import schema
from tests.lab.deployments import refused
from tests.lab.rig.place import ROOT
from tests.lab.rig.server import CHECKOUT
from tests.lab.scenes import Scene
from tests.lab.seen import settings_kept, untouched

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

SECRETS = [rule for rule in schema((ROOT / ".env.example").read_text()) if rule.secret]


def test_a_deploy_with_an_empty_env_is_refused_in_one_line(scene: Scene) -> None:
    env = f"{CHECKOUT}/.env"
    with settings_kept(scene.ubuntu):
        scene.ubuntu.must(["truncate", "-s", "0", env])
        with untouched(scene.ubuntu):
            said = refused(scene.operator.fab("ubuntu.deploy", "--ref", scene.runs))
    assert said == f"ubuntu: {env} is empty: fab env.init fills it"


def test_compose_itself_refuses_an_empty_env(scene: Scene) -> None:
    """Also for the person who types `up` at the server."""
    words = ["env", "-C", CHECKOUT, "docker", "compose", "-f", "compose/docker-compose.ubuntu.yml"]
    with settings_kept(scene.ubuntu), scene.only_replaces():
        scene.ubuntu.must(["truncate", "-s", "0", f"{CHECKOUT}/.env"])
        done = scene.ubuntu.exec([*words, "up", "-d"])
    assert done.returncode != 0
    assert re.search(r"required variable \w+ is missing a value: set \w+ in \.env", done.stderr)


@pytest.mark.parametrize("weak", ["", "short", "change-me-change-me-change-me-change-me"])
def test_each_secret_must_be_there_and_be_one(scene: Scene, weak: str) -> None:
    """Missing, short or copied from an example: all are named at once, and no value is shown."""
    keys = ["JWT_SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "RU_BEARER_TOKEN"]
    with settings_kept(scene.ubuntu):
        scene.ubuntu.write_env(**dict.fromkeys(keys, weak))
        ran = scene.operator.fab("ubuntu.plan", "--ref", scene.runs)
    assert (ran.code, ran.out) == (2, ""), ran
    assert sorted({line.split()[1] for line in ran.evidence}) == keys, ran
    assert weak == "" or weak not in ran.err


@pytest.mark.parametrize("server", ["ubuntu", "montreal"])
def test_no_secret_has_a_default_in_a_servers_file(server: str) -> None:
    text = (ROOT / f"compose/docker-compose.{server}.yml").read_text()
    required = {rule.key for rule in SECRETS if rule.required and rule.applies_to(server)}
    used = dict(re.findall(r"(?<!\$)\$\{([A-Z_]+)(:?[-?])", text))
    assert required <= set(used)
    assert {key for key in required if used[key] != ":?"} == set()
    for key, default in re.findall(r"(?<!\$)\$\{([A-Z_]+):?-([^}]*)\}", text):
        another = default.startswith("${")  # in which the same is looked for
        assert not default or another or key not in {rule.key for rule in SECRETS}, key
