"""The firewall of a new server: what it opens, to whom, and when it is set up again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from fabfile.model.access.bootstrap import decide
from fabfile.model.access.firewall import Opening, openings
from fabfile.model.access.setup import Setup
from fabfile.model.inventory import Inventory, Server
from tests.unit.builders import SERVER

from .test_bootstrap import KEY, WHOLE

OPEN = replace(SERVER, open_ports=(443, 80))


def walled(server: Server, *callers: str, **seen: Any) -> Setup:
    there = frozenset({*WHOLE.there, "nft"})
    others = [replace(SERVER, name=f"caller-{at}", address=at) for at in callers]
    opened = [Opening(server, others)] if server.open_ports else []
    return decide(server, replace(WHOLE, there=there, **seen), KEY, (), opened)


def test_the_firewall_opens_ssh_and_the_ports_that_are_asked_for() -> None:
    (step,) = walled(OPEN, ports=(22, 2222)).steps
    assert (step.title, step.proved) == ("firewall", True)
    assert step.reason == "there is none; leaves open 443, 80 (everybody) and SSH"
    assert opened(step.stdin) == ["{ 22, 2222 } accept", "{ 80, 443 } accept"]
    assert walled(OPEN, ports=(22, 2222), firewall=step.stdin).steps == ()
    (other,) = walled(OPEN, firewall=step.stdin).steps
    assert other.reason == "it is another one than 443, 80 (everybody) and SSH"


def opened(text: str) -> list[str]:
    rule = "meta l4proto tcp ct original proto-dst "
    return [line.strip().removeprefix(rule) for line in text.splitlines() if rule in line]


def test_what_was_not_proved_is_done_again() -> None:
    (step,) = walled(OPEN).steps
    steps = walled(OPEN, firewall=step.stdin, pending=True).steps
    assert [(step.name, step.proved) for step in steps] == [("sshd", True), ("firewall", True)]


def test_a_called_server_opens_them_to_its_callers_and_to_whom_it_allows() -> None:
    server = replace(OPEN, open_ports=(8001,), allow=("203.0.113.0/24",))
    (step,) = walled(server, "192.0.2.1", "2001:db8::1").steps
    assert opened(step.stdin) == [
        "{ 22 } accept",
        "{ 8001 } ip saddr { 192.0.2.1/32, 203.0.113.0/24 } accept",
        "{ 8001 } ip6 saddr { 2001:db8::1/128 } accept",
    ]


def test_a_caller_without_an_address_is_refused_where_there_is_to_be_a_firewall() -> None:
    (refusal,) = walled(OPEN, "caller.example").refusals
    assert refusal == (
        "the firewall knows callers by address only: 'caller.example' does not appear to be an"
        " IPv4 or IPv6 network; set their 'address'"
    )
    assert walled(SERVER, "caller.example") == Setup((), (), ())


def test_another_firewall_stays_and_is_told() -> None:
    setup = walled(OPEN, ufw=True)
    assert (setup.steps, setup.refusals) == ((), ())
    assert setup.notes == (
        "ufw is active here and stays; of open_ports (443/tcp 80/tcp) nothing is set up beside it",
    )


def test_servers_of_one_host_share_its_firewall() -> None:
    site = replace(OPEN, name="site")
    shop = replace(SERVER, name="shop", open_ports=(8088,))
    shut = replace(SERVER, name="shut")
    caller = replace(SERVER, name="caller", host="192.0.2.8", address="192.0.2.8", calls="shop")
    elsewhere = replace(OPEN, name="elsewhere", host="192.0.2.9")
    inventory = Inventory(Path("hosts.ini"), (site, shop, shut, caller, elsewhere))
    there = replace(WHOLE, there=frozenset({*WHOLE.there, "nft"}))

    def steps(server: Server) -> Setup:
        return decide(server, there, KEY, (), openings(inventory, server))

    (step,) = steps(site).steps
    assert steps(shop).steps == (step,)
    assert step.reason == (
        "there is none; leaves open 443, 80 (everybody), 8088 (callers only) and SSH"
    )
    assert opened(step.stdin) == [
        "{ 22 } accept",
        "{ 80, 443 } accept",
        "{ 8088 } ip saddr { 192.0.2.8/32 } accept",
    ]
    assert steps(shut).steps == ()
