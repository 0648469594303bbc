"""A replica that hangs is restarted by cron, and only so many times within an hour."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.lab.full import full
from tests.lab.scenes import STACK, Scene
from tests.lab.test_cron import as_cron

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

HEAL = "\nx-deploy:\n  heal: {unhealthy: 10s, at_most: 1}\n"
SERVICE = "core-api"
STARTED = '"task": "cron.heal"'


def edited(text: str) -> str:
    """The stack with healing, and a health check that soon sees what hangs."""
    assert "interval: 30s # each starts a Python" in text
    text = text.replace("interval: 30s # each starts a Python", "interval: 3s")
    return text.replace("\nx-deploy:\n", HEAL)


def replicas(scene: Scene) -> dict[str, str]:
    """Id of each replica → its name."""
    return {box.id: name for name, box in scene.boxes().items() if box.service == SERVICE}


def hangs(scene: Scene) -> str:
    """One of them answers nobody any more; its id."""
    identity = min(replicas(scene))
    script = 'kill -STOP "$(docker inspect -f "{{.State.Pid}}" "$1")"'
    scene.ubuntu.must(["sh", "-c", script, "hang", identity])
    return identity


def health(scene: Scene, identity: str) -> str:
    """What its health check says."""
    words = ["docker", "inspect", "-f", "{{.State.Health.Status}}", identity]
    return scene.ubuntu.must(words).strip()


def journal(scene: Scene) -> str:
    """What the server's journal holds."""
    return scene.ubuntu.must(["cat", "/opt/wishwithme/releases/journal"])


def until(scene: Scene, true: Callable[[int, str], bool]) -> None:
    """Let the job run as cron does, again and again, until this is true of how it ended."""
    end = time.monotonic() + 300
    while not true(*as_cron(scene, "cron.heal")):
        assert time.monotonic() < end


@full
def test_a_replica_that_hangs_is_restarted_and_the_limit_holds(scene: Scene) -> None:
    commit = scene.change("Heal", {STACK: edited})
    scene.deployed(commit)
    scene.operator.must("cron.install")
    try:
        _heal(scene)
    finally:
        scene.operator.must("cron.remove")
    scene.ubuntu.must(["rm", "-f", "/opt/wishwithme/locks/healing"])


def _heal(scene: Scene) -> None:
    ill = hangs(scene)
    until(scene, lambda _code, _said: STARTED in journal(scene))
    assert health(scene, ill) == "healthy"
    assert ill in replicas(scene)
    log = scene.ubuntu.must(["cat", "/opt/wishwithme/operator/logs/cron.heal.log"])
    assert "has been unhealthy for" in log
    ill = hangs(scene)
    until(scene, lambda code, said: code == 1 and "a person is needed" in said)
    assert health(scene, ill) == "unhealthy"
    (job,) = [
        one for one in scene.operator.json("cron.list")["ubuntu"] if one["task"] == "cron.heal"
    ]
    assert "1 were healed within the last hour, and at most 1 are" in job["why"]
    scene.ubuntu.must(["docker", "restart", "-t", "1", ill])
    end = time.monotonic() + 120
    while health(scene, ill) != "healthy":
        assert time.monotonic() < end
