"""What differs in an .env, and who reads a key of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from fabfile.model.access.comparing import compared, demands, short, since, unlike
from fabfile.model.access.envfile import schema
from fabfile.model.access.readers import other_value, readers

from .builders import SERVER

EXAMPLE = """\
# @required @secret @min=16 @urlsafe
TOKEN=
# @secret @server=ubuntu
OWN=
# @server=montreal
THEIRS=x
SIZE=1G
# @required @https @domain
SITE=
"""
RULES = schema(EXAMPLE)
CALLER = replace(SERVER, name="ubuntu", calls="montreal")
CALLED = replace(SERVER, name="montreal", calls="")
STRANGER = replace(SERVER, name="third", calls="")


def test_a_value_is_shown_as_the_start_of_a_salted_digest() -> None:
    assert (short(None, "s"), short("", "s")) == ("missing", "empty")
    assert len(short("value", "s")) == 8
    assert short("value", "s") != short("value", "t")


def test_only_what_both_ends_of_a_link_need_is_compared() -> None:
    one, other = {"TOKEN": "a", "OWN": "b", "SIZE": "c"}, {"TOKEN": "d", "OWN": "e", "SIZE": "f"}
    others = {CALLER: one, CALLED: other, STRANGER: other}
    assert unlike(RULES, CALLER, others) == {"TOKEN": ("montreal",)}
    assert unlike(RULES, CALLED, others) == {"TOKEN": ("ubuntu",)}
    assert unlike(RULES, STRANGER, others) == {}
    assert unlike(RULES, CALLER, {CALLER: one, CALLED: {}}) == {}


def test_each_key_of_the_server_is_compared_and_no_other_one() -> None:
    values = {"TOKEN": "t" * 20, "SIZE": "2G", "STRAY": "x", "THEIRS": "y"}
    rows = compared(values, RULES, CALLER, {"GONE": "gone"}, {"TOKEN": ("montreal",)}, "s")
    told = {row.key: (row.example, row.runs, row.others) for row in rows}
    assert told == {
        "TOKEN": ("", "", ("montreal",)),
        "OWN": ("", "", ()),
        "SIZE": ("not the default", "", ()),
        "SITE": ("required", "", ()),
        "STRAY": ("not there", "", ()),
        "GONE": ("", "gone", ()),
    }
    assert [row.key for row in rows if row.differs] == ["TOKEN", "SIZE", "SITE", "STRAY", "GONE"]
    assert compared({}, RULES, CALLER, {}, {}, "s")[2].example == "default"
    assert compared({"A": "1"}, (), CALLER, {}, {}, "s")[0].example == ""


def test_how_a_key_differs_from_what_runs() -> None:
    told = since({"A": "1", "B": "2"}, {"A": "d", "C": "e"}, ["A", "B", "C"])
    assert told == {"A": "changed since", "B": "added since", "C": "gone"}


def test_what_the_marks_demand() -> None:
    told = {rule.key: demands(rule) for rule in RULES}
    assert told["TOKEN"] == [
        "required",
        "secret",
        "at least 16 characters",
        "only A-Z a-z 0-9 . _ ~ -",
    ]
    assert told["OWN"] == ["secret", "read on ubuntu only"]
    assert told["SIZE"] == []
    assert told["SITE"] == ["required", "https", "a domain name"]


def test_a_probe_keeps_the_kind_of_a_value_and_holds_nothing_of_a_secret() -> None:
    assert [other_value(value, secret=False) for value in ("2", "512M", "")] == ["12", "1512M", "1"]
    assert other_value("hidden-word", secret=True) == "probe0"


def model(**parts: Any) -> str:
    return json.dumps({"services": {"api": {}, "web": {}}, **parts})


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (model(), model(), ()),
        (model(), model(services={"api": {"a": 1}, "web": {}}), ("api",)),
        (model(), model(services={"api": {}, "web": {}, "new": {}}), ("new",)),
        (model(volumes={"v": {"d": 1}}), model(volumes={"v": {"d": 2}}), ("volumes",)),
        (
            model(**{"x-deploy": {"api": {"gates": [{"url": "a"}]}}}),
            model(**{"x-deploy": {"api": {"gates": [{"url": "b"}]}}}),
            ("x-deploy of api",),
        ),
        (*[model(**{"x-deploy": {"api": {"probe": {"bearer": "KEY"}}}})] * 2, ("x-deploy of api",)),
        (
            *[
                model(
                    services={"api": {"secrets": [{"source": "s"}]}, "web": {}},
                    secrets={"s": {"environment": "KEY"}},
                )
            ]
            * 2,
            ("api",),
        ),
        (
            model(
                services={"api": {"configs": [{"source": "s"}]}}, configs={"s": {"content": "a"}}
            ),
            model(
                services={"api": {"configs": [{"source": "s"}]}}, configs={"s": {"content": "b"}}
            ),
            ("api",),
        ),
    ],
)
def test_who_reads_a_key_follows_from_two_values_of_it(
    before: str, after: str, found: tuple[str, ...]
) -> None:
    assert readers(before, after, "KEY") == found
