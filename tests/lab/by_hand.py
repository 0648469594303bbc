"""Somebody runs a plain ``docker compose up -d`` on the server in the middle of a deploy."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.lab.deployments import Ran, ended
from tests.lab.load import loaded
from tests.lab.rig.output import wait_until
from tests.lab.scenes import APP, Scene, ending
from tests.lab.seen import settings_kept

WATCHED = "sed -i 's/^UPDATE_MONITOR=.*/UPDATE_MONITOR=40s/' .env"
"""A deploy watches longer than somebody takes to type, and compose to decide."""
PATIENCE = 240
LEAVING = 12
"""Seconds after which the workers from before a load bring no more requests."""


def replicas(scene: Scene) -> set[str]:
    """The running containers of core-api, by the start of their ids."""
    boxes = scene.boxes().values()
    return {box.id[:12] for box in boxes if (box.service, box.state) == ("core-api", "running")}


def pinned(scene: Scene) -> set[str]:
    """The replicas of core-api that the proxy names one by one."""
    url = f"http://{scene.boxes()['nginx'].address}:8090/pinned"
    said = scene.ubuntu.exec(["curl", "-sf", url]).stdout
    rows = [row.split() for row in said.split(";")]
    return {one for service, *ids in filter(None, rows) if service == "core-api" for one in ids}


Phase = Callable[[set[str], set[str], set[str]], bool]
"""Of who served before, whom the proxy names, and who runs now."""


def held(before: set[str], asked: set[str], running: set[str]) -> bool:
    return asked == before < running


def switched(before: set[str], asked: set[str], _running: set[str]) -> bool:
    return bool(asked) and not asked & before


class Left:
    """Requests have moved for so long that no kept connection brings another to those of before."""

    __name__ = "left"

    def __init__(self) -> None:
        self.since: float | None = None

    def __call__(self, before: set[str], asked: set[str], running: set[str]) -> bool:
        if switched(before, asked, running) and self.since is None:
            self.since = time.monotonic()
        return self.since is not None and time.monotonic() - self.since > LEAVING


def disturbed(scene: Scene, phase: Phase) -> Ran:
    """A deploy of another API, and somebody's plain ``up`` in that phase; no request fails."""
    commit = scene.change("Another API", {APP: ending(f"DISTURBED = {time.time_ns()}")})
    before = replicas(scene)
    with loaded(scene) as load:
        start = time.monotonic()
        running = scene.operator.start("ubuntu.deploy", "--ref", commit)
        wait_until(
            lambda: running.poll() is not None or phase(before, pinned(scene), replicas(scene)),
            phase.__name__,
            PATIENCE,
        )
        # Before the switch the run ends, and may take away what compose is about to start.
        scene.by_hand("docker compose up -d" + (" || :" if phase is held else ""))
        ran = ended(running, start)
    assert load.lost == [], load.lost[:20]
    scene.deployed(commit)
    return ran


def up_in_the_middle_costs_nothing(scene: Scene) -> None:
    """Before the switch compose makes the new ones anew as what serves, after it the old ones.

    The first ends the deploy, which goes back; the second does not.
    """
    before = scene.runs
    with settings_kept(scene.ubuntu):
        scene.by_hand(WATCHED)
        ran = disturbed(scene, held)
        assert ran.code == 1, ran
        assert ran.error.endswith(f"; ubuntu is back at {before[:8]}, proved"), ran
        ran = disturbed(scene, Left())
        assert ran.code == 0, ran
