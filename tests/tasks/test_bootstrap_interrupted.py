"""bootstrap that ends at a step, whichever and however: run again, it sets up what is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import pytest

from .fakes.fleet import Fleet
from .fakes.machine import Machine
from .test_bootstrap import NOTHING, READY

STEPS = (
    "user", "login-key", "log-rotation", "docker-repository", "packages", "services", "sudoer",
    "group", "folder", "deploy-key", "forge", "upgrades", "clock", "swap", "sshd", "keep",
    "firewall",
)  # fmt: skip


@pytest.fixture
def all_steps(bare: Fleet, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """A host that needs each of them."""
    hosts = bare.hosts.read_text().replace("git://origin/app.git", "git@git.example:us/app.git")
    bare.hosts.write_text(hosts.replace("[ubuntu]\n", "[ubuntu]\nengine = docker\n"))
    known = ["git.example ssh-ed25519 AAAAFORGE"]
    monkeypatch.setattr("fabfile.remote.access.bootstrap.pinned", lambda _server: known)
    return bare


def test_there_is_no_other_step(all_steps: Fleet) -> None:
    assert all_steps.fab("ubuntu.bootstrap").code == 0
    did = [line.split()[1] for line in all_steps.ubuntu.did]
    assert tuple(dict.fromkeys(did)) == STEPS


def fails(machine: Machine, step: str) -> int:
    machine.fail(f"^bootstrap {step}( |$)", times=1)
    return 1


def dies(machine: Machine, step: str) -> int:
    """The operator, before it is done."""
    machine.kill_the_operator_at(f"^bootstrap {step}( |$)")
    return -9


def is_cut(machine: Machine, step: str) -> int:
    """The connection, before it is done."""
    machine.fail(f"^bootstrap {step}( |$)", raises=lambda: OSError("Socket is closed"))
    return 1


def is_cut_after(machine: Machine, step: str) -> int:
    """The step is done, and nobody hears of it."""
    machine.fail_after(f"^bootstrap {step}( |$)", "", raises=lambda: OSError("Socket is closed"))
    return 1


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("end", [fails, dies, is_cut, is_cut_after], ids=lambda one: one.__name__)
def test_what_ended_at_a_step_is_simply_run_again(
    all_steps: Fleet, step: str, end: Callable[[Machine, str], int]
) -> None:
    machine = all_steps.ubuntu
    code = end(machine, step)
    ran = all_steps.fab("ubuntu.bootstrap")
    assert ran.code == code, ran.everything
    machine.faults.clear()
    ran = all_steps.fab("ubuntu.bootstrap")
    assert (ran.code, ran.lines[-1]) == (0, READY), ran.everything
    before = asdict(machine.bare)
    with all_steps.untouched():
        assert all_steps.fab("ubuntu.bootstrap").lines[0] == NOTHING
    assert asdict(machine.bare) == before
