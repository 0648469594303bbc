"""A cancelled deploy left its lock for ever (deployphp/deployer#3335, kamal PR#1844)."""

from __future__ import annotations

import json
import subprocess
import time

from tests.lab.commits import replaced
from tests.lab.deployments import ended, refused
from tests.lab.full import full
from tests.lab.rig import Server
from tests.lab.scenes import APP, Scene
from tests.lab.seen import STATE, holder
from tests.names import SITE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

SOON = 30
"""Seconds after the last remote step within which the lock must be free."""
STARTING = "at step 'start core-api'"


def is_free(server: Server, lock: str) -> bool:
    """Whether nobody holds a lock of the server."""
    return server.exec(["flock", "--nonblock", f"{STATE}/{lock}", "true"]).returncode == 0


def until_free(server: Server, lock: str, seconds: float) -> float:
    """Wait for that; how long it took."""
    start = time.monotonic()
    while not is_free(server, lock):
        assert time.monotonic() - start < seconds, f"{lock} is still held"
        time.sleep(0.1)
    return time.monotonic() - start


def starting(scene: Scene, seconds: int) -> subprocess.Popen[str]:
    """A deploy that starts replicas of an API that takes so long to start."""
    starts = "                yield\n"
    slowly = replaced(starts, f"                await asyncio.sleep({seconds})\n{starts}")
    commit = scene.change(f"An API that starts in {seconds} s", {APP: slowly})
    before = {box.id for box in scene.boxes().values()}
    start = time.monotonic()
    running = scene.operator.start("ubuntu.deploy", "--ref", commit)
    holder(scene.ubuntu, STARTING)
    while not any(box.id not in before and box.service for box in scene.boxes().values()):
        assert running.poll() is None, ended(running, start)
    return running


@full
def test_killed_in_the_middle_of_a_step_it_keeps_others_out_until_that_ends_and_no_longer(
    scene: Scene,
) -> None:
    with scene.comes_back():
        running = starting(scene, 6)
        running.kill()
        running.communicate()
        until_free(scene.ubuntu, "locks", SOON)
        assert not is_free(scene.ubuntu, "locks/step")
        start = time.monotonic()
        looking = scene.operator.start("ubuntu.status", "--json")
        refusal = refused(scene.operator.fab("ubuntu.deploy"))
        status = json.loads(ended(looking, start).out)["ubuntu"]
        until_free(scene.ubuntu, "locks/step", 60)
        assert is_free(scene.ubuntu, "locks")
        recovered = scene.operator.fab("ubuntu.recover", "--wait", "30s")
    assert refusal.startswith("ubuntu: a step of a run that died is still under way: "), refusal
    assert STARTING in refusal
    assert (status["busy"], status["last"]["outcome"]) == ("", "died")
    assert STARTING in status["lingering"]
    assert recovered.code == 0, recovered
    died = scene.operator.json("ubuntu.history", "--number", "2")[1]
    assert (died["id"], died["outcome"]) == (status["last"]["id"], "failed")
    assert died["error"].startswith("died: ")
    assert STARTING in died["error"]


@full
def test_cut_off_in_the_middle_of_a_step_the_next_deploy_makes_it_uniform(scene: Scene) -> None:
    page, good = scene.get(SITE), scene.runs
    running = starting(scene, 20)
    with scene.ubuntu.partition():
        until_free(scene.ubuntu, "locks/step", 90)
        assert until_free(scene.ubuntu, "locks", SOON) < SOON
    running.kill()
    running.communicate()
    assert scene.get(SITE) == page
    assert scene.operator.json("ubuntu.status")["ubuntu"]["last"]["outcome"] == "died"
    scene.deployed(good)
