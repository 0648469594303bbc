"""What is wrong on several servers is told at once, with everything that each of them says."""

from __future__ import annotations

import pytest

from .fakes.fleet import Fleet


@pytest.mark.parametrize("task", ["deploy", "plan"])
def test_a_first_command_names_the_reasons_of_every_server(fleet: Fleet, task: str) -> None:
    for machine in fleet.machines.values():
        machine.listening.add(443)
        machine.listening.add(8001)
        machine.engine.networks["app-network"] = ""
    ran = fleet.fab(task)
    assert ran.code == 2, ran.everything
    for name in fleet.machines:
        assert f"{name}: 2 preconditions do not hold; nothing was touched" in ran.everything
    assert sum("network app-network is in use" in line for line in ran.evidence) == 2
    assert sum("is in use by a process" in line for line in ran.evidence) == 2


def test_the_evidence_of_every_server_that_could_not_be_prepared_is_shown(fleet: Fleet) -> None:
    for machine in fleet.machines.values():
        machine.fail("docker pull proxy:1")
    ran = fleet.fab("deploy")
    assert ran.code == 1, ran.everything
    for name in fleet.machines:
        assert f"{name}: image proxy:1 cannot be pulled" in ran.everything


@pytest.mark.parametrize(
    ("text", "said"),
    [(b"\xef\xbb\xbf", ""), (b"\xff\xfe[\x00", "is not in UTF-8; save it so")],
)
def test_a_mark_before_an_inventory_is_no_line_of_it(
    running: Fleet, text: bytes, said: str
) -> None:
    running.hosts.write_bytes(text + running.hosts.read_bytes())
    ran = running.fab("status")
    assert ran.code == (2 if said else 0), ran.everything
    assert said in ran.everything
    assert "Traceback" not in ran.everything
