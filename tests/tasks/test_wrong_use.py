"""A wrong use of any task ends with 2 and one line, before anybody is connected to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fabfile import ns
from fabfile.command import Command
from fabfile.kinds import Ago, Choice, Count, Duration, Option, Share

from .fakes.fleet import Fleet

NAMES = sorted(ns.task_names)
SENSELESS = "senseless"
WRONG = (Ago, Choice, Count, Duration, Share)
"""Kinds of options to which a word may mean nothing."""
WHERE = {"server", "on", "group"}
"""Options that name what hosts.ini must have."""
NEEDED = {"setting": "DOMAIN"}
"""What stands for an option that a task must have, where ``x`` is none."""


def options(name: str) -> tuple[Option, ...]:
    task = ns[name]
    assert isinstance(task, Command)
    return tuple(task.options)


def line(name: str, given: str = "") -> str:
    """The task with all that it must have, but for the option that is given."""
    needed = [
        f"--{one.name} {NEEDED.get(one.name, 'x')}"
        for one in options(name)
        if one.argument.positional and f"--{one.name} " not in f"{given} "
    ]
    return " ".join([name, *needed, given]).strip()


def wrong_values() -> Iterator[tuple[str, str]]:
    for name in NAMES:
        yield from ((name, one.name) for one in options(name) if isinstance(one, WRONG))


def wrong_places() -> Iterator[tuple[str, str]]:
    for name in NAMES:
        yield from ((name, one.name) for one in options(name) if one.name in WHERE)


def refused(fleet: Fleet, words: str) -> str:
    """What the one line says."""
    ran = fleet.fab(words)
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 1), ran
    assert ran.err.startswith("error: ")
    assert fleet.connections == []
    return ran.error


@pytest.mark.parametrize("name", NAMES)
def test_an_option_that_it_does_not_have(fleet: Fleet, name: str) -> None:
    told = refused(fleet, f"{name} --{SENSELESS}")
    assert told.startswith(f"{name} has no option --{SENSELESS}; fab --help {name} shows all")


@pytest.mark.parametrize("name", NAMES)
def test_a_word_that_it_does_not_want(fleet: Fleet, name: str) -> None:
    assert SENSELESS in refused(fleet, f"{line(name)} {SENSELESS}")


@pytest.mark.parametrize("name", [one for one in NAMES if line(one) != one])
def test_a_value_that_it_needs_and_does_not_get(fleet: Fleet, name: str) -> None:
    assert refused(fleet, name).startswith(f"{name} needs --")


@pytest.mark.parametrize(("name", "option"), [*wrong_values()])
def test_a_value_that_means_nothing(fleet: Fleet, name: str, option: str) -> None:
    command = " -- true" if name.endswith(".exec") else ""
    told = refused(fleet, line(name, f"--{option} {SENSELESS}") + command)
    assert told.startswith(f"--{option} ")
    assert SENSELESS in told


@pytest.mark.parametrize(("name", "option"), [*wrong_places()])
def test_a_server_or_group_that_hosts_ini_does_not_have(
    fleet: Fleet, name: str, option: str
) -> None:
    told = refused(fleet, line(name, f"--{option} {SENSELESS}"))
    assert SENSELESS in told or name == "ssl.install"  # it reads its files first


@pytest.mark.parametrize("name", [one for one in NAMES if one.startswith("ubuntu.")])
def test_a_server_that_is_not_there(fleet: Fleet, name: str) -> None:
    words = name.replace("ubuntu", SENSELESS)
    told = f"{fleet.hosts}: no server [{SENSELESS}]; known servers: ubuntu, montreal"
    assert refused(fleet, words) == told
