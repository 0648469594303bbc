"""The schedule on a real server: installed, run as cron runs it, seen, and taken out again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.deployments import Ran
from tests.lab.scenes import Scene
from tests.lab.seen import STATE

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

FOREIGN = r"SHELL=/bin/sh\n# of somebody else: caf\351\n@yearly true 100\\%%\n"
"""As ``printf`` reads it: with a byte that is no UTF-8."""

JOBS = ("db.backup", "db.verify", "db.prune", "ssl.renew")


@pytest.fixture
def night(scene: Scene) -> Iterator[Scene]:
    """Both servers verified, one with an entry of somebody else in the crontab and no backup."""
    scene.ubuntu.must(
        ["sh", "-c", f"rm -rf {STATE}/backups/* {STATE}/operator; printf '{FOREIGN}' | crontab -"],
        "ubuntu",
    )
    yield scene
    scene.ubuntu.exec(["crontab", "-r"])


def crontab(scene: Scene) -> str:
    """The crontab, bytes as hexadecimal numbers."""
    return scene.ubuntu.must(["sh", "-c", "crontab -l | od -An -v -tx1"], "ubuntu")


def as_cron(scene: Scene, task: str) -> tuple[int, str]:
    """Run the line of a job exactly as cron would; exit code, and what it would mail."""
    lines = scene.ubuntu.must(["crontab", "-l"], "ubuntu").splitlines()
    (line,) = [line for line in lines if f" {task}" in line]
    command = line.split(maxsplit=5)[5]
    words = ["env", "-i", "HOME=/home/ubuntu", "LOGNAME=ubuntu", "PATH=/usr/bin:/bin"]
    done = scene.ubuntu.exec([*words, "SHELL=/bin/sh", "/bin/sh", "-c", command], timeout=120)
    return done.returncode, done.stdout + done.stderr


def installed(scene: Scene) -> Ran:
    return scene.operator.must("cron.install")


def seen_of_cron(scene: Scene) -> list[str]:
    """What doctor warns of, about cron itself: its daemon runs in the lab."""
    warnings = scene.operator.json("doctor")["ubuntu"]["warnings"]
    return [line for line in warnings if "crontab" in line or "cron daemon" in line]


def test_cron_backs_up_and_tells_how_it_went(night: Scene) -> None:
    before = crontab(night)
    first = installed(night)
    assert "nothing to schedule" in first.out
    print(f"installed in {first.seconds:.1f} s")
    there = crontab(night)
    again = installed(night)
    assert "[ubuntu] no change" in again.out.splitlines()
    assert crontab(night) == there != before
    print(f"again in {again.seconds:.1f} s")

    for task in JOBS:
        assert as_cron(night, task) == (0, "")
    (made,) = night.operator.json("db.list")["backups"]
    assert (made["reason"], made["who"]) == ("by schedule", "ubuntu@ubuntu")
    assert made["verified"] > 0
    assert night.by_hand("git status --porcelain --ignored") == "!! .env\n"

    night.by_hand(f"rm {STATE}/backups/*")
    code, printed = as_cron(night, "db.verify")
    assert (code, printed.splitlines()[0]) == (2, "db.verify failed with exit code 2:")
    why = "ubuntu: no backup; fab db.list lists them"
    assert printed.splitlines()[-1] == f"error: {why}"
    seen = night.operator.json("status")["ubuntu"]["jobs"]
    assert [job["task"] for job in seen if job["succeeded"]] == list(JOBS)
    assert [job["why"] for job in seen] == ["", why, "", ""]
    assert [bool(job["late"]) for job in seen] == [False, True, False, False]

    assert seen_of_cron(night) == []
    night.ubuntu.must(["crontab", "-r"], "ubuntu")
    lost = "its entry is not in the crontab any more; fab cron.install puts it back"
    assert seen_of_cron(night) == [f"job {task}: {lost}" for task in JOBS]
    night.ubuntu.must(["sh", "-c", f"printf '{FOREIGN}' | crontab -"], "ubuntu")
    installed(night)
    assert seen_of_cron(night) == []

    night.operator.must("cron.remove")
    assert seen_of_cron(night) == []
    assert crontab(night) == before
