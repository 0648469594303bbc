"""The branch's tip was deployed, not the tested commit; two pushes 3 minutes apart interleaved."""

from __future__ import annotations

import json
import re
import time

from tests.lab.deployments import ended, refused
from tests.lab.full import full
from tests.lab.scenes import PAGE, Scene, titled
from tests.lab.seen import holder
from tests.names import SITE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")


def test_the_given_commit_is_deployed_and_a_second_deploy_meanwhile_is_told_who_is_at_it(
    scene: Scene,
) -> None:
    """The second push came while the first was being tested; its own deploy came too early."""
    tested = scene.change("The tested page", {PAGE: titled("tested")})
    tip = scene.change("The page pushed later", {PAGE: titled("later")}, on=tested)
    start = time.monotonic()
    first = scene.operator.start("ubuntu.deploy", "--ref", tested)
    who = holder(scene.ubuntu, "@").partition(" UTC")[0]
    busy = scene.operator.fab("ubuntu.status", "--json")
    second = scene.operator.fab("ubuntu.deploy", "--ref", tip)
    ran = ended(first, start)
    assert re.fullmatch(
        rf"ubuntu: another change is running: {re.escape(who)} UTC.*; wait for it, then run again",
        refused(second),
    )
    assert json.loads(busy.out)["ubuntu"]["busy"].startswith(who)
    assert ran.code == 0, ran
    assert scene.runs == tested
    assert "<title>Wish With Me: tested</title>" in scene.get(SITE)[1]
    assert scene.operator.json("ubuntu.status")["ubuntu"]["busy"] == ""


@full
def test_the_lock_is_free_again_when_its_holder_was_killed(scene: Scene) -> None:
    """Killed in the middle of its preparation: the next one finds no lock, only the truth."""
    commit = scene.change("A page that nobody waits for", {PAGE: titled("killed")})
    running = scene.operator.start("ubuntu.deploy", "--ref", commit)
    holder(scene.ubuntu, "UTC ")
    running.kill()
    running.communicate()
    scene.deployed(commit)
