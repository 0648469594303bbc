"""Other users of a server: what stands open to them is told, and closed by the next deploy."""

from __future__ import annotations

from .fakes.engine import Ended
from .fakes.fleet import Fleet
from .fakes.machine import CHECKOUT, ROOT

NETWORK = "subnet=app|172.18.0.0/16\n"
OPEN = f"{NETWORK}rules=yes\n"


def test_folders_that_stand_open_are_told_and_closed_by_the_next_deploy(running: Fleet) -> None:
    loose = [ROOT, f"{ROOT}/locks", CHECKOUT]
    running.ubuntu.modes |= dict.fromkeys(loose, "775")
    which = ", ".join(f"{path} (775)" for path in loose)
    told = f"folders with a mode that is not theirs: {which}; a deploy corrects them"
    for task, how in (("doctor", "warn folders"), ("status", "warning")):
        ran = running.fab(task)
        assert f"[ubuntu] {how}: {told}" in (ran.out + ran.err).splitlines(), ran.everything
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert f"bootstrap {ROOT}: 3 of its folders have other modes than theirs" in ran.out
    assert [running.ubuntu.modes[path] for path in loose] == ["700"] * 3
    assert running.fab("doctor").lines[0].startswith("[ubuntu] nothing is wrong")


def test_a_network_that_every_user_reaches_is_closed_by_the_next_deploy(running: Fleet) -> None:
    running.ubuntu.reach = OPEN
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert "guard app: every user of the server reaches 172.18.0.0/16" in ran.out
    assert "closed=app-guard|172.18.0.0/16" in running.ubuntu.reach
    again = running.fab("ubuntu.plan")
    assert "guard" not in again.everything


def test_a_firewall_that_refuses_stops_no_deploy(running: Fleet) -> None:
    running.ubuntu.reach = OPEN
    running.ubuntu.fail("guard", ended=Ended(70, err="can't initialize: no such table"))
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert "guard app" in ran.out
    assert "not done: can't initialize: no such table" in ran.out


def test_without_a_firewall_that_can_be_told_it_is_a_warning(running: Fleet) -> None:
    running.ubuntu.reach = NETWORK
    ran = running.fab("doctor")
    assert ran.code == 0, ran.everything
    assert "every user of this server reaches the containers of 172.18.0.0/16" in ran.everything
    assert "guard" not in running.fab("ubuntu.plan").out
