"""ssl.status: what every server has and serves, and exit code 1 in time."""

from __future__ import annotations

import pytest

from .fakes.certificates import self_made
from .fakes.fleet import Fleet
from .fakes.machine import ROOT, Machine

CHAIN = f"{ROOT}/certs/fullchain.pem"
DOMAINS = ("app.example", "api.app.example")


def put(machine: Machine, days: int = 3650, domains: tuple[str, ...] = DOMAINS) -> None:
    """Another certificate, on disk and served."""
    machine.files[CHAIN] = machine.served = self_made("another", domains, days)


def test_what_every_server_has_and_serves_is_told(running: Fleet) -> None:
    with running.untouched():
        ran = running.fab("ssl.status")
    assert ran.code == 0, ran.everything
    assert ran.lines == [
        "[ubuntu] until 2035-12-30, 3270 days; self-made",
        "[ubuntu] for app.example, api.app.example, 10.0.0.1",
        "[ubuntu] app.example:443 serves e42",
        "[ubuntu] api.app.example:443 serves e42",
        "[montreal] until 2035-12-30, 3270 days; self-made",
        "[montreal] for 10.0.0.2",
        "[montreal] 10.0.0.2:8001 serves e42",
    ]


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (379, "ubuntu: it ended on 2027-01-15"),
        (386, "ubuntu: it ends on 2027-01-22, in 6 days"),
        (393, "ubuntu: it ends on 2027-01-29, in 13 days"),
        (394, ""),
    ],
)
def test_a_certificate_is_a_problem_from_14_days_before_its_end(
    days: int, told: str, running: Fleet
) -> None:
    put(running.ubuntu, days)
    ran = running.fab("ssl.status")
    if not told:
        assert ran.code == 0, ran.everything
        return
    assert (ran.code, ran.error, ran.evidence) == (1, "certificates need care", [told])


@pytest.mark.parametrize("task", ["status", "plan", "doctor"])
def test_who_looks_for_another_reason_is_told_of_its_end(task: str, running: Fleet) -> None:
    """Once: to doctor it is a problem."""
    put(running.ubuntu, 386)
    ran = running.fab(task)
    told = "certificate: it ends on 2027-01-22, in 6 days"
    assert (ran.code, ran.everything.count(told)) == (0 if task == "plan" else 1, 1)


def test_a_renewed_certificate_that_is_not_served_is_told(running: Fleet) -> None:
    running.ubuntu.files[CHAIN] = self_made("renewed", DOMAINS, 3000)
    running.ubuntu.files[f"{ROOT}/certs/privkey.pem"] = "key\n"
    ran = running.fab("ssl.status")
    assert ran.code == 1
    assert ran.evidence == [
        f"ubuntu: {name}:443 serves certificate e42, not bb8, which is on disk:"
        " the proxy has not loaded it"
        for name in DOMAINS
    ]


def test_a_name_that_it_is_not_for_is_told(running: Fleet) -> None:
    put(running.ubuntu, domains=("app.example",))
    assert running.fab("ssl.status").evidence == ["ubuntu: it is not for api.app.example"]


def test_a_key_that_is_another_ones_is_told(running: Fleet) -> None:
    running.montreal.files[f"{ROOT}/certs/privkey.pem"] = "another\n"
    told = "montreal: certs/privkey.pem is not the key of certs/fullchain.pem"
    assert running.fab("ssl.status").evidence == [told]


def test_a_proxy_that_serves_none_is_told(running: Fleet) -> None:
    running.montreal.served = ""
    told = "montreal: 10.0.0.2:8001 serves no certificate"
    assert running.fab("ssl.status").evidence == [told]


def test_a_server_without_any_is_told(fleet: Fleet) -> None:
    ran = fleet.fab("ssl.status")
    assert ran.code == 1
    assert ran.evidence == [
        f"{name}: certs/fullchain.pem is no certificate" for name in ("ubuntu", "montreal")
    ]


def test_json_is_printed_also_when_something_is_wrong(running: Fleet) -> None:
    put(running.ubuntu, 386)
    ran = running.fab("ssl.status --json")
    assert ran.code == 1
    assert ran.json["ubuntu"] == {
        "names": [*DOMAINS],
        "issuer": "CN=another",
        "self_made": True,
        "serial": "182",
        "ends": 1800576000,
        "days": 6,
        "served": dict.fromkeys((f"{name}:443" for name in DOMAINS), "182"),
        "issued": "",
        "problems": ["it ends on 2027-01-22, in 6 days"],
    }
    assert ran.json["montreal"]["problems"] == []
