"""What a first .env still needs: made, known from hosts.ini, as on another server, or asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fabfile.model.access.envfile import Rule, schema
from fabfile.model.access.initial import alike, known, needed, size
from fabfile.model.inventory import Server

from .builders import SERVER

EXAMPLE = """\
# @required
COMPOSE_FILE=
STATE_ROOT=/opt/wishwithme
# @required @domain
DOMAIN=
# @required @secret
TOKEN=
# @required @secret @server=montreal
THEIRS=
# @secret
SPARE=
SIZE=1G
"""
RULES = {rule.key: rule for rule in schema(EXAMPLE)}
ROOT = str(SERVER.root)
A = replace(SERVER, name="ubuntu", calls="montreal", domains=("www.a.example", "a.example"))
B = replace(SERVER, name="montreal", calls="third", domains=())
C = replace(SERVER, name="third", calls="", domains=("a.example", "b.example"))


def test_what_is_required_or_known_and_has_no_value_is_needed() -> None:
    keys = [rule.key for rule in needed([*RULES.values()], A, {"TOKEN": "", "SIZE": ""})]
    wanted = ["COMPOSE_FILE", "STATE_ROOT", "DOMAIN", "TOKEN"]
    assert keys == [key for key in wanted if key != "STATE_ROOT" or ROOT != "/opt/wishwithme"]
    assert "THEIRS" in [rule.key for rule in needed([*RULES.values()], B, {})]
    have = {"COMPOSE_FILE": "x", "STATE_ROOT": "y", "DOMAIN": "z", "TOKEN": "t"}
    assert needed([*RULES.values()], A, have) == []


@pytest.mark.parametrize(
    ("server", "site"), [(A, "a.example"), (B, ""), (C, "")], ids=["below", "none", "several"]
)
def test_the_site_is_the_domain_that_all_others_stand_below(server: Server, site: str) -> None:
    assert known(RULES["DOMAIN"], server) == site
    assert known(RULES["COMPOSE_FILE"], server) == SERVER.compose_file
    assert known(RULES["TOKEN"], server) == ""


def test_a_secret_is_as_long_as_it_must_be() -> None:
    assert [size(Rule("K", "", minimum=least)) for least in (0, 64, 65, 200)] == [32, 32, 33, 100]


def test_a_secret_is_the_one_that_a_link_leads_to() -> None:
    values = {A: {}, B: {}, C: {"TOKEN": "far"}}
    assert alike(RULES["TOKEN"], A, values) == "far"
    assert alike(RULES["TOKEN"], A, {**values, B: {"TOKEN": "near"}}) == "near"
    assert alike(RULES["TOKEN"], A, {A: {}, B: {}, C: {}}) == ""
    assert alike(RULES["THEIRS"], A, {A: {}, B: {"THEIRS": "no"}}) == ""
    assert alike(RULES["TOKEN"], A, {A: {"TOKEN": "own"}}) == ""
