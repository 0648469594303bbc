"""Maintenance: on by one load, told to everybody, and deploys that are proved behind it."""

from __future__ import annotations

import json

import pytest

from .fakes.engine import Ended
from .fakes.fleet import Fleet
from .fakes.machine import ROOT
from .fakes.proxy import through

STATE, FILE = f"{ROOT}/locks/maintenance", f"{ROOT}/proxy/maintenance.conf"
SECOND = {"services/api/app.py": "api, second version\n"}
ON = "maintenance.on --why moving"


def visited(fleet: Fleet) -> int:
    """What a visitor is answered."""
    ubuntu = fleet.ubuntu
    return through(ubuntu.engine, ubuntu.proxy, "https://app.example/", "", "203.0.113.80").status


def test_it_is_one_load_and_everybody_is_told_and_off_is_one_load(running: Fleet) -> None:
    assert visited(running) == 200
    running.ubuntu.did.clear()
    ran = running.fab(f"{ON} --until 30m --allow 203.0.113.7")
    assert ran.code == 0, ran.everything
    assert (visited(running), running.ubuntu.did) == (
        503,
        ["put locks/maintenance", "load-proxy app-proxy"],
    )
    kept = json.loads(running.ubuntu.files[STATE])
    assert (kept["why"], kept["allow"], kept["until"] - kept["since"]) == (
        "moving", ["203.0.113.7"], 1800,
    )  # fmt: skip
    told = f"in maintenance since {ran.out.partition('since ')[2].strip()}"
    assert ran.lines == [f"[ubuntu] {told}"]
    status = running.fab("ubuntu.status")
    assert f"warning: {told}; fab maintenance.off ends it" in status.unbroken
    found = running.fab("ubuntu.status --json").json["ubuntu"]["maintenance"]
    assert found == {key: value for key, value in kept.items() if key != "token"}
    assert kept["token"] not in status.everything + ran.everything

    running.ubuntu.did.clear()
    ran = running.fab("maintenance.off")
    assert (ran.code, ran.lines) == (0, [f"[ubuntu] no longer {told}"])
    assert (visited(running), running.ubuntu.did) == (200, ["load-proxy app-proxy", "rm"])
    assert STATE not in running.ubuntu.files
    with running.untouched():
        assert running.fab("maintenance.off").lines == ["[ubuntu] not in maintenance; no change"]


def test_the_word_that_lets_our_gates_in_is_hidden_like_any_secret(running: Fleet) -> None:
    assert running.fab(ON).code == 0
    token = json.loads(running.ubuntu.files[STATE])["token"]
    running.ubuntu.logged = [("api-1", f"2026-11-30T11:59:01.000000000Z passed {token}")]
    assert "passed [hidden]" in running.fab("ubuntu.logs").out


def test_deploys_go_on_behind_it_proved_and_it_stays(running: Fleet) -> None:
    assert running.fab(ON).code == 0
    running.origin.commit("Second", SECOND)
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert "verified: runs" in ran.out
    assert visited(running) == 503
    assert running.fab("ubuntu.health").code == 0
    assert running.fab("montreal.deploy").code == 0
    running.ubuntu.clock += 7200
    assert running.fab(f"{ON} --until 10m").code == 0
    running.ubuntu.clock += 7200
    assert "; that has passed; fab maintenance.off ends it" in running.fab("status").unbroken


def test_a_proxy_that_does_not_read_it_is_told_and_left_as_it_was(running: Fleet) -> None:
    running.origin.commit("No include", {"nginx/ubuntu/more.conf": "NO MAINTENANCE\n"})
    assert running.fab("ubuntu.deploy").code == 0
    ran = running.fab(ON)
    assert (ran.code, ran.error) == (
        1,
        (
            "ubuntu: the proxy still answers everybody: does it include maintenance.conf?"
            " docs/proxy.md says where"
        ),
    )
    assert STATE not in running.ubuntu.files
    assert running.ubuntu.files[FILE] == ""


@pytest.mark.parametrize("already", [False, True])
def test_a_load_that_fails_changes_nothing(already: bool, running: Fleet) -> None:
    if already:
        assert running.fab(ON).code == 0
    before = running.ubuntu.files.get(STATE), visited(running)
    running.ubuntu.fail("^load-proxy", ended=Ended(70, err="nginx does not load\n"), times=1)
    ran = running.fab("maintenance.on --why other")
    assert (ran.code, ran.error) == (1, "ubuntu: nginx does not load")
    assert (running.ubuntu.files.get(STATE), visited(running)) == before


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("maintenance.on", "maintenance.on needs --why TEXT"),
        (f"{ON} --allow office", "--allow 'office' is no address such as 203.0.113.7"),
        (f"{ON} --until 2020-01-01", "--until lies in the past by the server's clock"),
        (
            f"{ON} --server montreal",
            "montreal: its proxy has no `maintenance` under x-deploy (docs/proxy.md)",
        ),
    ],
)
def test_what_cannot_be_is_refused_before_anything(line: str, why: str, running: Fleet) -> None:
    with running.untouched():
        ran = running.fab(line)
    assert (ran.code, ran.error) == (2, why)


def test_a_proxy_that_does_not_run_is_told(running: Fleet) -> None:
    running.ubuntu.engine.containers["app-proxy"].state = "exited"
    ran = running.fab(ON)
    assert (ran.code, ran.error) == (
        2, "ubuntu: proxy does not run: nobody is answered anyway"
    )  # fmt: skip


def test_a_frozen_server_can_be_in_maintenance(running: Fleet) -> None:
    assert running.fab("ubuntu.freeze --why holidays").code == 0
    assert running.fab(ON).code == 0
    assert running.fab("maintenance.off").code == 0
