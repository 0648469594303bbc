"""Both servers must hold the same bearer token, and nobody compared."""

from __future__ import annotations

import secrets

from tests.lab.rig.server import CHECKOUT
from tests.lab.scenes import Scene
from tests.lab.seen import settings_kept, untouched

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

ALIKE = ".env: RU_BEARER_TOKEN is another one than on {}; both need it alike"


def test_another_one_is_named_on_both_servers_and_shown_on_neither(scene: Scene) -> None:
    other = secrets.token_hex(32)
    with settings_kept(scene.ubuntu):
        scene.ubuntu.write_env(RU_BEARER_TOKEN=other)
        with untouched(scene.ubuntu):
            ran = scene.operator.fab("env.check")
    assert ran.code == 1, ran
    assert [line for line in ran.evidence if "RU_BEARER_TOKEN" in line] == [
        f"ubuntu: {ALIKE.format('montreal')}",
        f"montreal: {ALIKE.format('ubuntu')}",
    ]
    montreal = scene.lab.server("montreal").must(["cat", f"{CHECKOUT}/.env"])
    (held,) = [
        value
        for key, _, value in (line.partition("=") for line in montreal.splitlines())
        if key == "RU_BEARER_TOKEN"
    ]
    assert [one for one in (other, held) if one in ran.out + ran.err] == []
    assert scene.operator.fab("env.check").code == 0
