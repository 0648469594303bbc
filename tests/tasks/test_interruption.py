"""Ctrl-C: once, the step under way ends and the way back is gone; twice, everything stops."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from .fakes.fleet import Fleet, Ran
from .fakes.machine import Machine

ONCE = "warning: Ctrl-C: what is under way ends first, then nothing is left half done"
SECOND = {
    "services/web/index.html": "Welcome again\n",
    "services/api/app.py": "api, second version\n",
}


@pytest.fixture
def second(running: Fleet) -> Fleet:
    """A second commit waits to be deployed."""
    running.origin.commit("Second", SECOND)
    return running


@pytest.fixture(autouse=True)
def _heard(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Counts how often a Ctrl-C was handled, which is what the main thread does."""

    def install(number: int, handler: Any) -> Any:
        def heard(*arguments: Any) -> None:
            HEARD.release()
            handler(*arguments)

        return signal.signal(number, heard if callable(handler) else handler)

    while HEARD.acquire(blocking=False):
        pass  # what an earlier test did not wait for
    own = SimpleNamespace(SIGINT=signal.SIGINT, signal=install)
    monkeypatch.setattr("fabfile.ops.interruption.signal", own)
    former = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, former)


HEARD = threading.Semaphore(0)
LONG = 60
"""Seconds in which even a busy machine lets the main thread handle a signal."""


def press(machine: Machine, pattern: str, times: int = 1) -> None:
    """Press Ctrl-C while a command that matches runs."""

    def pressed() -> None:
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGINT)
            assert HEARD.acquire(timeout=LONG)

    machine.fail(pattern, first=pressed, goes_on=True, times=1)


def back(fleet: Fleet, ran: Ran) -> None:
    """The first release serves again, proved."""
    assert (ran.code, ran.error) == (1, "interrupted by Ctrl-C; ubuntu is back at 00000001, proved")
    first, broken, again = fleet.releases("ubuntu")
    assert (broken.outcome, broken.error) == ("failed", "interrupted by Ctrl-C")
    assert (again.outcome, again.back_to) == ("verified", first.id)
    images = {c.service: c.image for c in fleet.ubuntu.engine.containers.values()}
    assert images == {name: image.id for name, image in first.images.items()}
    assert fleet.ubuntu.locks == {}


@pytest.mark.parametrize(
    "pattern", ["start-beside api", "switch-proxy", "compose up web", "watch 15 s", "retire"]
)
def test_pressed_once_the_step_ends_and_the_server_goes_back(second: Fleet, pattern: str) -> None:
    press(second.ubuntu, pattern)
    ran = second.fab("ubuntu.deploy")
    back(second, ran)
    assert [line for line in ran.lines if line.startswith(ONCE)]
    began = next(n for n, line in enumerate(second.ubuntu.did) if line.startswith(pattern))
    later = second.ubuntu.did[began + 1 : second.ubuntu.did.index("restore-env")]
    assert not {line.split()[0] for line in later} & {"compose", "start-beside", "retire"}


def test_pressed_while_it_is_proved_it_goes_back_too(second: Fleet) -> None:
    second.ubuntu.fail_after("watch", "curl", goes_on=True)
    press(second.ubuntu, "watch 15 s")
    back(second, second.fab("ubuntu.deploy"))


def test_pressed_once_while_it_prepares_there_is_nothing_to_go_back_to(second: Fleet) -> None:
    before = {name: c.id for name, c in second.ubuntu.engine.containers.items()}
    press(second.ubuntu, "docker run app/api")
    ran = second.fab("ubuntu.deploy")
    assert (ran.code, ran.error) == (
        1,
        "interrupted by Ctrl-C; the running system was not touched",
    )
    assert "[ubuntu] ✓ smoke api" in ran.lines
    assert {name: c.id for name, c in second.ubuntu.engine.containers.items()} == before
    assert second.releases("ubuntu")[-1].error == "interrupted by Ctrl-C"
    assert second.ubuntu.locks == {}


def test_pressed_while_two_prepare_side_by_side_neither_goes_on(running: Fleet) -> None:
    running.origin.commit("Second", {**SECOND, "services/worker/app.py": "worker, second\n"})
    press(running.montreal, "fetch")
    ran = running.fab("deploy")
    assert (ran.code, ran.error) == (
        1,
        "interrupted by Ctrl-C; the running system was not touched",
    )
    for name, machine in running.machines.items():
        assert not [line for line in machine.did if "compose up" in line]
        assert [one.outcome for one in running.releases(name)][1:] in ([], ["failed"])
        assert machine.locks == {}


def test_pressed_while_the_caller_is_cut_over_both_go_back(running: Fleet) -> None:
    running.origin.commit("Second", {**SECOND, "services/worker/app.py": "worker, second\n"})
    press(running.ubuntu, "compose up web")
    ran = running.fab("deploy")
    assert ran.code == 1, ran.everything
    assert ran.error == (
        "interrupted by Ctrl-C; ubuntu is back at 00000001, proved;"
        " montreal is back at 00000001, proved"
    )


def test_pressed_once_on_the_way_back_that_goes_on(second: Fleet) -> None:
    second.ubuntu.fail("compose up web", times=1)
    press(second.ubuntu, "restore-env")
    ran = second.fab("ubuntu.deploy")
    assert ran.code == 1, ran.everything
    assert ran.error.endswith("; ubuntu is back at 00000001, proved")


def test_pressed_twice_it_stops_where_it_is_and_says_so(second: Fleet) -> None:
    press(second.ubuntu, "start-beside api", times=2)
    ran = second.fab("ubuntu.deploy")
    assert (ran.code, ran.error) == (
        3,
        (
            "stopped by a second Ctrl-C: ubuntu at step 'start api'; a person is needed:"
            " fab ubuntu.recover brings back what ran before"
        ),
    )
    assert "[ubuntu] app-api-1: running healthy" in ran.evidence
    assert "restore-env" not in second.ubuntu.did
    assert second.ubuntu.did[-1] == "start-beside api"
    assert second.ubuntu.locks == {}
    assert all(connection.closed for connection in second.connections)
    assert second.fab("ubuntu.recover").code == 0


def test_pressed_twice_on_the_way_back_that_stops_too(second: Fleet) -> None:
    second.ubuntu.fail("compose up web", times=1)
    press(second.ubuntu, "restore-env", times=2)
    ran = second.fab("ubuntu.deploy")
    assert ran.code == 3, ran.everything
    assert ran.error.startswith("stopped by a second Ctrl-C: ubuntu at step 'roll web'")
    assert second.ubuntu.did[-1] == "restore-env"


def test_pressed_twice_while_it_prepares_nothing_was_touched(second: Fleet) -> None:
    before = {name: c.id for name, c in second.ubuntu.engine.containers.items()}
    press(second.ubuntu, "docker run app/api", times=2)
    ran = second.fab("ubuntu.deploy")
    assert (ran.code, ran.error) == (
        1,
        "stopped by a second Ctrl-C while preparing; the running system was not touched",
    )
    assert {name: c.id for name, c in second.ubuntu.engine.containers.items()} == before


def test_a_rollback_is_interrupted_the_same_way(second: Fleet) -> None:
    assert second.fab("ubuntu.deploy").code == 0
    press(second.ubuntu, "compose up web")
    ran = second.fab("ubuntu.rollback")
    assert (ran.code, ran.error) == (1, "interrupted by Ctrl-C; ubuntu is back at 00000002, proved")
    press(second.ubuntu, "compose up web", times=2)
    ran = second.fab("ubuntu.rollback")
    assert ran.code == 3, ran.everything
    assert ran.error.startswith("stopped by a second Ctrl-C: ubuntu at step 'roll web'")


def test_ctrl_c_means_what_it_did_before_once_the_deploy_has_ended(
    second: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fabfile.ops.interruption.signal", signal)
    former = signal.getsignal(signal.SIGINT)
    assert second.fab("ubuntu.deploy").code == 0
    assert signal.getsignal(signal.SIGINT) is former


def test_a_bootstrap_ends_behind_its_step_and_says_how_to_go_on(bare: Fleet) -> None:
    press(bare.ubuntu, "^bootstrap sudoer ")
    ran = bare.fab("ubuntu.bootstrap")
    assert (ran.code, ran.error) == (
        1,
        "ubuntu: interrupted by Ctrl-C; what was done stays done; run it again to do the rest",
    )
    assert bare.ubuntu.did[-1] == "bootstrap sudoer ubuntu"
    assert bare.fab("ubuntu.bootstrap").code == 0


def test_ctrl_c_while_an_image_is_sent_ends_the_copy_and_leaves_nothing_on_the_builder(
    second: Fleet,
) -> None:
    text = second.hosts.read_text()
    second.hosts.write_text(text.replace("[ubuntu]\n", "[ubuntu]\nbuilder = montreal\n"))
    press(second.montreal, "send-image")
    ran = second.fab("ubuntu.deploy")
    told = "interrupted by Ctrl-C; the running system was not touched"
    assert (ran.code, ran.error) == (1, told)
    assert second.montreal.builds.laid == {}
    assert "load-image" not in second.ubuntu.did
    ran = second.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
