"""`up -d` after `up --no-deps` recreated services again: the digest of the definition differed."""

from __future__ import annotations

from tests.lab.full import full
from tests.lab.scenes import PAGE, STACK, Scene, reasons, titled
from tests.names import SITE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


@full
def test_after_a_deploy_compose_by_hand_is_a_no_op(scene: Scene) -> None:
    """The page alone was deployed; with or without -f, a person gets that very stack."""
    commit = scene.change("Another title", {PAGE: titled("eleven")})
    kinds = ("up", "start", "roll", "reload")
    assert reasons(scene.plan(commit), *kinds) == scene.by_content("frontend")
    with scene.only_replaces("frontend"):
        scene.deployed(commit)
    assert "<title>Wish With Me: eleven</title>" in scene.get(SITE)[1]
    with scene.only_replaces():
        scene.by_hand(f"docker compose -f {STACK} up -d")
        scene.by_hand("docker compose up -d --remove-orphans")
