"""What happens on real servers is told to a real receiver once, and stands in the journal."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.lab.full import full
from tests.lab.rig.server import CHECKOUT
from tests.lab.scenes import APP, Scene, ending
from tests.lab.seen import STATE
from tests.receiver import Receiver, receiving

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

BROKEN = "raise SystemExit('NEVER HEALTHY')"


@pytest.fixture
def told(scene: Scene) -> Iterator[tuple[Scene, Receiver]]:
    """Both servers verified; ubuntu and this machine reach the receiver at one address."""
    runs = scene.runs
    route = scene.ubuntu.must(["ip", "route", "show", "default"], "root")
    gateway = route.split()[route.split().index("via") + 1]
    with receiving("0.0.0.0") as receiver:  # the servers come from a network of their own
        url = f"json://{gateway}:{receiver.port}/hook"
        scene.by_hand(f"sed -i 's|^NOTIFY_URLS=.*|NOTIFY_URLS={url}|' {CHECKOUT}/.env")
        yield scene, receiver
    scene.ubuntu.exec(["crontab", "-r"])
    scene.lab.server("ubuntu").write_env()
    scene.operator.must("deploy", "--ref", runs)


def as_cron(scene: Scene, task: str) -> int:
    """Run a job as cron does; its exit code."""
    words = ["env", "-i", "HOME=/home/ubuntu", "PATH=/usr/bin:/bin", f"{STATE}/operator/job"]
    return scene.ubuntu.exec([*words, *task.split()], timeout=300).returncode


@full
@pytest.mark.timeout(600)
def test_each_outcome_is_told_once_and_kept(told: tuple[Scene, Receiver]) -> None:
    scene, receiver = told
    commit = scene.change("A good one", {APP: ending(f"TOLD = {time.time_ns()}")})
    scene.deployed(commit)
    broken = scene.change("A broken one", {APP: ending(BROKEN)}, on=commit)
    ran = scene.deploy(broken)
    assert ran.code == 1, ran
    assert receiver.titles == ["ubuntu: deploy done", "ubuntu: deploy failed"]
    good, failed = receiver.messages()
    author = scene.by_hand(f"git log -1 --format=%an {commit}").strip()
    assert author
    assert good.splitlines()[1:3] == [f"{commit[:8]} A good one", f"author: {author}"]
    assert f"error: {ran.error}" in failed.splitlines()
    assert any("next: fab ubuntu.history --show " in line for line in ran.err.splitlines())

    scene.operator.must("cron.install")
    scene.by_hand(f"rm -rf {STATE}/backups/*")
    assert [as_cron(scene, "db.verify --quiet") for _ in range(3)] == [2, 2, 2]
    assert as_cron(scene, "db.backup --quiet") == 0
    assert [as_cron(scene, "db.verify --quiet") for _ in range(2)] == [0, 0]
    assert receiver.titles == [
        "ubuntu: db.verify failed",
        "ubuntu: db.backup done",
        "ubuntu: db.verify is well again",
        "ubuntu: db.verify done",
    ]
    assert all("by ubuntu@ubuntu, by schedule, " in message for message in receiver.messages())

    kept = scene.operator.json("ubuntu.history", "--all", "--since", "1h")
    tasks = [one["task"] for one in kept if one["occasion"] == "by schedule"]
    assert tasks[:3] == ["db.verify", "db.verify", "db.backup"]
    assert "cron.install" in [one["task"] for one in kept]
    assert [one["outcome"] for one in kept if one["commit"] == broken] == ["failed"]
    mode = scene.ubuntu.must(["stat", "-c", "%a %U", f"{STATE}/releases/journal"], "root")
    assert mode.split() == ["600", "ubuntu"]
