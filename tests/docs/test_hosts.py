"""docs/hosts.md: every key of hosts.ini, with the default and an example that the parser takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from fabfile.model.errors import Trouble
from fabfile.model.hosts.hosts_ini import REQUIRED, parse
from fabfile.model.hosts.values import PARSERS

from .tables import tables

(ROWS,) = tables("hosts.md")["hosts.ini"]
DEFAULTS = {row[0]: row[1] for row in ROWS}
EXAMPLES = {row[0]: row[3] for row in ROWS}
HERE = Path("/somewhere/hosts.ini")


def section(name: str, keys: dict[str, str]) -> str:
    return f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())


def test_every_key_has_its_row_in_the_order_of_the_code() -> None:
    assert [row[0] for row in ROWS] == list(PARSERS)


def test_exactly_the_required_keys_are_called_required() -> None:
    required = [key for key, default in DEFAULTS.items() if default == "required"]
    assert required == list(REQUIRED)
    for key in required:
        keys = {name: EXAMPLES[name] for name in required if name != key}
        with pytest.raises(Trouble, match=f"'{key}' is missing"):
            parse(section("ubuntu", keys), HERE)


def test_the_examples_make_two_servers() -> None:
    shared = {key: EXAMPLES[key] for key in REQUIRED}
    whole = {key: value for key, value in EXAMPLES.items() if key != "connection"}
    text = section("ubuntu", whole) + section("montreal", shared)
    found = parse(text, HERE, lambda _file, host: ({"hostname": host}, {}))
    assert found.called_first() == ["montreal", "ubuntu"]
    assert PARSERS["connection"](EXAMPLES["connection"]) == "local"


def test_the_defaults_are_those_of_the_code() -> None:
    server = parse(section("ubuntu", {key: EXAMPLES[key] for key in REQUIRED}), HERE).servers[0]
    groups = {"keep": server.keep, "s3": server.offsite, "age": server.offsite}
    for key, default in DEFAULTS.items():
        group, _, name = key.partition("_")
        value = getattr(groups[group], name) if group in groups else getattr(server, key, None)
        if default == "none":
            assert not value
        elif default == "host":
            assert value == server.host
        elif default != "required":
            assert str(value) == default
