"""Who reaches a project's networks from the server itself, and what a deploy does about it."""

from __future__ import annotations

from fabfile.model.access.reach import Reach, parse, warnings
from fabfile.model.deploy.plan import Kind

from .builders import PROJECT
from .planning import plan

SEEN = f"""
subnet={PROJECT}|172.18.0.0/16
subnet=others|172.19.0.0/16
rules=yes
hook={PROJECT}-guard
closed={PROJECT}-guard|172.18.0.0/16
"""


def without(line: str) -> Reach:
    return parse(SEEN.replace(f"{line}\n", ""))


def guards(reach: Reach | None) -> list[str]:
    """The reasons of the steps that set the firewall's rules."""
    return [step.reason for step in plan(reach=reach).steps if step.kind is Kind.GUARD]


def test_a_network_is_open_until_rules_that_are_asked_close_it() -> None:
    assert parse(SEEN).open(PROJECT) == []
    for line in (f"hook={PROJECT}-guard", f"closed={PROJECT}-guard|172.18.0.0/16"):
        assert without(line).open(PROJECT) == ["172.18.0.0/16"]


def test_an_open_network_is_closed_by_one_step() -> None:
    assert guards(parse(SEEN)) == []
    assert guards(without(f"hook={PROJECT}-guard")) == [
        "every user of the server reaches 172.18.0.0/16"
    ]


def test_what_a_deploy_makes_is_closed_before_it_is_there_and_by_its_subnet_after() -> None:
    new = "no other user of the server is to reach what is started, at its address"
    assert guards(parse("rules=yes\n")) == [new, new]


def test_without_the_right_to_set_rules_nothing_is_planned_and_the_open_network_is_told() -> None:
    open_ = without("rules=yes")
    assert guards(open_) == []
    assert warnings(open_, PROJECT) == []  # it is closed, by whomever
    left = parse(f"subnet={PROJECT}|172.18.0.0/16\n")
    (told,) = warnings(left, PROJECT)
    assert told.startswith("every user of this server reaches the containers of 172.18.0.0/16; ")
    assert warnings(None, PROJECT) == []
