"""A canary under load that passes, one that is stopped, one that died; a rollback by one load."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable

from tests.lab.alone import alone
from tests.lab.commits import Edit
from tests.lab.deployments import DEADLINE, ended
from tests.lab.full import full
from tests.lab.load import loaded
from tests.lab.scenes import APP, PAGE, Scene, ending, step_names, titled

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

SHARE = "30%"
FAILS = """

_asked = 0


@app.middleware("http")
async def _fails_at_times(request, call_next):
    global _asked
    if request.url.path.startswith("/api/v1/wishlists"):
        _asked += 1
        if _asked % 4 == 0:
            from fastapi.responses import JSONResponse

            return JSONResponse({"detail": "broken"}, status_code=500)
    return await call_next(request)
"""
"""core-api that is well whoever probes it, and answers every fourth question for a list by 500."""
FIGURES = r"core-api: new \d+ requests, 0 5xx \(0\.0%\), p95 [\d.]+ s; former \d+ requests, 0 5xx"


def well() -> dict[str, Edit]:
    """The API and the page, changed so that nobody notices."""
    now = time.time_ns()
    return {APP: ending(f"TRIED = {now}"), PAGE: titled(f"tried {now}")}


def pinned(scene: Scene) -> str:
    """Whom the proxy names one by one, as it answers itself; empty at rest."""
    url = f"http://{scene.boxes()['nginx'].address}:8090/pinned"
    return scene.by_hand(f"curl -sf {url}").strip()


def until(what: Callable[[], bool]) -> None:
    """Wait for it; images may have to be built before."""
    end = time.monotonic() + DEADLINE
    while not what():
        assert time.monotonic() < end
        time.sleep(0.1)


def in_a_canary(scene: Scene, commit: str) -> subprocess.Popen[str]:
    """A deploy that waits for the end of its canary."""
    words = ("ubuntu.deploy", "--ref", commit, "--canary", SHARE, "--for", "10m")
    running = scene.operator.start(*words)
    try:
        until(lambda: pinned(scene).startswith("/ 30 "))
    except BaseException:
        os.killpg(running.pid, signal.SIGKILL)
        raise
    return running


@full
@alone
def test_no_request_fails_while_new_replicas_are_as_good_as_the_former_ones(
    patient: Scene,
) -> None:
    scene = patient
    commit = scene.change("As good", well())
    with scene.only_replaces("core-api", "frontend"), loaded(scene) as load:
        ran = scene.deploy(commit, "--canary", SHARE, "--for", "20s")
        assert ran.code == 0, ran
    assert load.lost == []
    (step,) = [one for one in scene.record(commit)["steps"] if one["title"].startswith("canary")]
    assert re.search(FIGURES, step["note"]), step
    assert pinned(scene) == ""
    scene.plain_up_changes_nothing()


@full
@alone
def test_a_release_that_fails_at_times_is_stopped_before_most_have_met_it(patient: Scene) -> None:
    scene, good = patient, patient.runs
    commit = scene.change("Fails at times", {APP: lambda text: f"{text}{FAILS}"})
    with scene.comes_back(), loaded(scene) as load:
        ran = scene.deploy(commit, "--canary", SHARE, "--for", "10m")
    assert ran.code == 1, ran
    told = (
        r"ubuntu: canary: core-api: the new replicas answer 5xx more often \([\d.]+%, not 0\.0%\)"
    )
    assert re.match(rf"{told}; ubuntu is back at {good[:8]}, proved", ran.error), ran
    assert [line for line in ran.evidence if re.match(r"core-api: new \d+ requests, ", line)], ran
    assert 0 < len(load.failed) < load.requests / 10, load
    assert load.doubled == []
    record = scene.record(commit)
    assert (record["outcome"], step_names(record)[-1]) == ("failed", "canary core-api")
    print(f"canary: {len(load.failed)} of {load.requests} requests met the release that fails")


@full
@alone
def test_a_rollback_to_former_replicas_that_were_kept_is_one_load(patient: Scene) -> None:
    scene, before = patient, patient.boxes()
    commit = scene.change("Not for long", well())
    ran = scene.deploy(commit, "--keep-old", "30m")
    assert ran.code == 0, ran
    assert {box.id for box in before.values()} < {box.id for box in scene.boxes().values()}
    told = scene.operator.json("ubuntu.status")["ubuntu"]["kept"]
    assert {*told["services"]} == {"core-api", "frontend"}
    with loaded(scene) as load:
        back = scene.operator.fab("ubuntu.rollback")
    assert back.code == 0, back
    assert load.lost == []
    steps = [one.partition(" ")[0] for one in back.steps("ubuntu")]
    assert {*steps} & {"hold", "start", "build", "smoke"} == set()
    assert steps.count("switch") == 1
    assert scene.boxes() == before
    assert pinned(scene) == ""
    scene.plain_up_changes_nothing()


@full
@alone
def test_a_canary_whose_operator_was_killed_serves_and_is_ended_by_the_next_command(
    patient: Scene,
) -> None:
    scene = patient
    commit = scene.change("Killed meanwhile", {APP: well()[APP]})
    with scene.only_replaces("core-api"), loaded(scene) as load:
        running = in_a_canary(scene, commit)
        os.killpg(running.pid, signal.SIGKILL)
        ended(running, time.monotonic())
        view = scene.operator.json("ubuntu.status")["ubuntu"]
        assert (view["canary"]["share"], view["last"]["outcome"]) == (30, "died")
        ran = scene.operator.fab("ubuntu.promote", "--wait", "1m")
        assert ran.code == 0, ran
    assert load.lost == []
    assert scene.runs == commit
    assert pinned(scene) == ""
    scene.plain_up_changes_nothing()


@full
def test_a_canary_is_promoted_and_taken_back_while_it_runs(patient: Scene) -> None:
    scene = patient
    for word, code in (("rollback", 1), ("promote", 0)):
        commit = scene.change(f"Ended by {word}", {APP: well()[APP]})
        running = in_a_canary(scene, commit)
        told = scene.operator.must(f"ubuntu.{word}")
        assert f"the canary that runs is told: {word};" in told.out
        ran = ended(running, time.monotonic())
        assert (ran.code, scene.runs == commit) == (code, word == "promote"), ran
        assert pinned(scene) == ""
