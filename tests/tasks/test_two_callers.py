"""A server that two others call: each link counts."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fabfile.model.errors import refused

from .fakes.application import env
from .fakes.certificates import self_made
from .fakes.fleet import HOSTS, Fleet, picture
from .fakes.machine import CHECKOUT, ROOT, Machine

TORONTO = """\
[toronto]
host = 10.0.0.3
compose = compose/toronto.yml
domains = app.example, api.app.example
calls = montreal
"""
PROXY = "nginx/toronto/nginx.conf"
SECOND = {"services/worker/app.py": "worker, second version\n"}


@pytest.fixture
def three(fleet: Fleet) -> Fleet:
    """Three servers, of which two call montreal, with a first verified release each."""
    toronto = Machine("toronto", "10.0.0.3", fleet.origin, fleet.journal)
    toronto.files[f"{CHECKOUT}/.env"] = env("ubuntu").replace("ubuntu.yml", "toronto.yml")
    fleet.machines["toronto"] = toronto
    network = {machine.address: machine for machine in fleet.machines.values()}
    for machine in fleet.machines.values():
        machine.network = network
    theirs = {"compose/ubuntu.yml": "compose/toronto.yml", "nginx/ubuntu/nginx.conf": PROXY}
    files = fleet.origin.commits[0].files
    third = {
        there: files[here].replace("nginx/ubuntu", "nginx/toronto")
        for here, there in theirs.items()
    }
    fleet.origin.commit("Third", third)
    fleet.hosts.write_text(HOSTS + TORONTO)
    ran = fleet.fab("deploy")
    assert ran.code == 0, ran.everything
    return fleet


def gates(fleet: Fleet) -> list[str]:
    return [f"{gate.title} {gate.note}" for gate in fleet.releases("montreal")[-1].gates]


def test_the_link_of_each_caller_is_proved_and_its_way_from_outside(three: Fleet) -> None:
    three.origin.commit("Second", SECOND)
    ran = three.fab("montreal.deploy")
    assert ran.code == 0, ran.everything
    told = [one for one in gates(three) if one.startswith(("link", "outside"))]
    assert [one.partition(":")[0] if one.startswith("link") else one for one in told] == [
        "outside:worker from ubuntu: 200 deep",
        "outside:worker from toronto: 200 deep",
        "link from ubuntu",
        "link from toronto",
    ]


@pytest.mark.parametrize("caller", ["ubuntu", "toronto"])
def test_the_link_of_either_caller_that_turns_red_sends_the_called_one_back(
    three: Fleet, caller: str
) -> None:
    three.origin.commit("Second", SECOND)
    three.machines[caller].fail_after("^docker exec worker", "^docker exec worker")
    ran = three.fab("montreal.deploy")
    assert ran.code == 1, ran.everything
    assert ran.error.startswith("montreal: red gates: link; montreal is back at 00000002")
    assert any(line.startswith(f"link: from {caller}: ") for line in ran.evidence), ran.evidence


@pytest.mark.parametrize("caller", ["ubuntu", "toronto"])
def test_each_caller_trusts_the_certificate_that_is_served_now(three: Fleet, caller: str) -> None:
    three.machines[caller].files[f"{ROOT}/certs/trust/peer.pem"] = "another one"
    three.origin.commit("Second", SECOND)
    assert three.fab("montreal.deploy --waive link").code == 0
    assert three.machines[caller].trusted == three.montreal.certificate


ANOTHER = self_made("another", ("10.0.0.2",))
"""What a caller trusts that does not know the certificate of montreal."""
BUSY = "ubuntu: another change is running: anna; wait for it, then run again"
FROZEN = "ubuntu: frozen by somebody: sale; fab ubuntu.unfreeze lifts it"
REFUSES = "it must trust the certificate of montreal: --waive link deploys all the same"
WARNS = "it is not told to trust the certificate of montreal"


def busy(machine: Machine) -> None:
    machine.locks["locks"] = "anna"


def freeze(machine: Machine) -> None:
    machine.files[f"{ROOT}/locks/frozen"] = "sale\n"


in_the_way = pytest.mark.parametrize(("somebody", "why"), [(busy, BUSY), (freeze, FROZEN)])


@pytest.mark.parametrize("line", ["montreal.deploy", "montreal.rollback", "montreal.recover"])
def test_a_caller_is_written_to_under_its_own_lock(three: Fleet, line: str) -> None:
    three.origin.commit("Second", SECOND)
    assert three.fab("montreal.deploy").code == 0
    machine = three.ubuntu
    held: list[str] = []
    machine.fail("^trust", goes_on=True, first=lambda: held.append(machine.locks.get("locks", "")))
    if line == "montreal.recover":
        three.origin.commit("Third", {"services/worker/app.py": "worker, third version\n"})
        three.montreal.kill_the_operator_at("compose up worker")
        three.fab("montreal.deploy")
    machine.files[f"{ROOT}/certs/trust/peer.pem"] = ANOTHER
    ran = three.fab(line)  # a deploy has nothing else to do
    assert ran.code == 0, ran.everything
    assert [who.partition(" since")[0] for who in held] == ["somebody (CI run 7)"]
    assert (machine.locks, machine.trusted) == ({}, three.montreal.certificate)


@in_the_way
def test_a_caller_whom_somebody_holds_or_froze_refuses_the_deploy(
    three: Fleet, somebody: Callable[[Machine], None], why: str
) -> None:
    three.ubuntu.files[f"{ROOT}/certs/trust/peer.pem"] = ANOTHER
    somebody(three.ubuntu)
    before = picture(three.ubuntu)
    three.forget()
    ran = three.fab("montreal.deploy")
    assert (ran.code, ran.error) == (2, f"{why}; {REFUSES}")
    assert (picture(three.ubuntu), three.ubuntu.did, three.montreal.did) == (before, [], [])
    assert three.montreal.locks == {}


@in_the_way
def test_with_the_link_waived_it_stays_as_it_is_and_that_is_told(
    three: Fleet, somebody: Callable[[Machine], None], why: str
) -> None:
    for caller in ("ubuntu", "toronto"):
        three.machines[caller].files[f"{ROOT}/certs/trust/peer.pem"] = ANOTHER
    somebody(three.ubuntu)
    three.origin.commit("Second", SECOND)
    ran = three.fab("montreal.deploy --waive link")
    assert ran.code == 0, ran.everything
    assert f"[montreal] warning: {why}; {WARNS}" in ran.lines
    assert three.ubuntu.trusted == ANOTHER
    assert three.machines["toronto"].trusted == three.montreal.certificate


@in_the_way
def test_a_caller_that_trusts_what_it_should_is_in_nobodys_way(
    three: Fleet, somebody: Callable[[Machine], None], why: str
) -> None:
    somebody(three.ubuntu)
    three.origin.commit("Second", SECOND)
    ran = three.fab("montreal.deploy")
    assert (ran.code, why in ran.everything) == (0, False)


def test_a_first_certificate_that_a_frozen_caller_must_trust_is_not_made(fleet: Fleet) -> None:
    assert fleet.fab("ubuntu.deploy").code == 0
    freeze(fleet.ubuntu)
    fleet.forget()
    ran = fleet.fab("montreal.deploy")
    assert (ran.code, ran.error) == (2, f"{FROZEN}; {REFUSES}")
    assert (fleet.ubuntu.did, fleet.montreal.did, fleet.montreal.certificate) == ([], [], "")


@pytest.mark.parametrize("caller", ["ubuntu", "toronto"])
def test_a_caller_that_cannot_be_reached_refuses_the_deploy_unless_the_link_is_waived(
    three: Fleet, caller: str
) -> None:
    three.origin.commit("Second", SECOND)
    three.unreachable[caller] = refused(f"{caller}: no route to host")
    ran = three.fab("montreal.deploy")
    assert ran.code == 2
    assert f"{caller}: no route to host" in ran.error
    ran = three.fab("montreal.deploy --waive link")
    assert ran.code == 0, ran.everything
    other = "toronto" if caller == "ubuntu" else "ubuntu"
    assert f"outside:worker {other}" not in gates(three)
    assert "outside:worker 200 deep" in gates(three)
