"""Names of a site that do not lead to its server yet: it is asked itself, and that is said."""

from __future__ import annotations

import pytest

from .fakes.fleet import HOSTS, Fleet

REMEDY = "set its DNS record, or say in hosts.ini how it is reached (edge, cdn_ranges)"
ASTRAY = "and not at 10.0.0.1: its gates ask that from outside"
NOWHERE = f"app.example has no address, {ASTRAY}; {REMEDY}"
OTHER = f"api.app.example points at 192.0.2.7, {ASTRAY}; {REMEDY}"


def test_the_server_is_asked_itself_with_a_warning(running: Fleet) -> None:
    running.names = {"api.app.example": "192.0.2.7"}
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    warned = [line for line in ran.lines if "its gates ask that from outside" in line]
    assert warned == [f"[ubuntu] warning: {OTHER}", f"[ubuntu] warning: {NOWHERE}"]
    assert running.places == {
        "https://app.example/": "10.0.0.1:443",
        "https://api.app.example/deep": "10.0.0.1:443",
    }


@pytest.mark.parametrize(
    "says", ["edge = 127.0.0.1:8443", "cdn_ranges = 203.0.113.0/24", "gateway = door"]
)
def test_nothing_is_said_where_hosts_ini_tells_how_the_site_is_reached(
    running: Fleet, says: str
) -> None:
    running.names = {}
    running.hosts.write_text(HOSTS.replace("domains", f"{says}\ndomains"))
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert not any("from outside" in line for line in ran.lines)
    assert set(running.places.values()) == {""}


def test_behind_a_jump_host_it_is_asked_at_its_own_address(running: Fleet) -> None:
    """The one that only the jump host reaches is nobody's from outside."""
    running.names = {"app.example": "203.0.113.7", "api.app.example": "192.0.2.7"}
    says = "gateway = door\naddress = 203.0.113.7\ndomains"
    running.hosts.write_text(HOSTS.replace("domains", says))
    ran = running.fab("ubuntu.deploy")
    assert ran.code == 0, ran.everything
    assert [line for line in ran.lines if "its gates ask that from outside" in line] == [
        f"[ubuntu] warning: {OTHER.replace('10.0.0.1', '203.0.113.7')}"
    ]
    assert running.places == {
        "https://app.example/": "",
        "https://api.app.example/deep": "203.0.113.7:443",
    }


def test_doctor_says_it_before_the_first_deploy(fleet: Fleet) -> None:
    fleet.names = {"api.app.example": "192.0.2.7"}
    ran = fleet.fab("doctor")
    assert ran.code == 0, ran.everything
    assert f"[ubuntu] warn DNS: {NOWHERE}" in ran.lines
    assert f"[ubuntu] warn DNS: {OTHER}" in ran.lines


def test_a_server_that_others_call_is_asked_by_them_whatever_its_name_leads_to(
    running: Fleet,
) -> None:
    running.names = {}
    text = running.hosts.read_text()
    running.hosts.write_text(f"{text}domains = worker.example\n")
    said = running.fab("doctor --json").json["montreal"]["warnings"]
    assert not [line for line in said if "has no address" in line]
