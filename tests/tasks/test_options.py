"""The options: declared once, used as declared, and made into what the use cases get."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

import pytest

from fabfile import ns, options
from fabfile.kinds import (
    Ago,
    Choice,
    Count,
    Duration,
    Flag,
    Option,
    Pair,
    Share,
    Text,
    Texts,
)
from fabfile.model.deploy.plan import Wish
from fabfile.model.schedule.jobs import JOBS, Job
from fabfile.ops.deploy.deployment import Options
from fabfile.ops.watch import history, logs

from .fakes.fleet import Fleet

DECLARED = {name: value for name, value in vars(options).items() if isinstance(value, Option)}
BY_KEYWORD = {option.keyword: option for option in DECLARED.values()}
KINDS = {
    Flag: "bool",
    Text: "str",
    Choice: "str",
    Texts: "tuple[str, ...]",
    Pair: "tuple[str, ...]",
    Duration: "int",
    Share: "int",
    Count: "int | None",
    Ago: "str",
}
"""Kind → how the body of a task says what it gets."""


def taken(name: str) -> list[str]:
    """The arguments that Invoke reads of a task."""
    return [str(argument.name) for argument in ns[name].get_arguments()]


TASKS = {name: taken(name) for name in ns.task_names}
PATIENT = [
    (name, BY_KEYWORD[one].name)
    for name, keywords in sorted(TASKS.items())
    for one in keywords
    if isinstance(BY_KEYWORD[one], Duration)
]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[Any]]:
    """Replace a use case; returns what it is called with, but for the session."""

    def replace(use_case: str) -> list[Any]:
        got: list[Any] = []
        monkeypatch.setattr(use_case, lambda _, *values, **named: got.extend([*values, named]))
        return got

    return replace


def test_every_option_is_declared_once_under_its_own_name() -> None:
    names = [option.name for option in DECLARED.values()]
    assert list(DECLARED) == [name.upper().replace("-", "_") for name in names]
    assert len({*names}) == len(names)


def test_every_option_is_used_and_every_used_one_declared() -> None:
    assert {one for keywords in TASKS.values() for one in keywords} == set(BY_KEYWORD)


def test_every_task_gives_the_help_of_the_declaration() -> None:
    rows = [(one.name, one.help) for name in ns.task_names for one in ns[name].get_arguments()]
    told = {one: option.help for one, option in BY_KEYWORD.items()}
    assert "" not in told.values()
    assert [row for row in rows if told[str(row[0])] != row[1]] == []


def test_an_option_has_a_short_flag_only_where_one_is_declared() -> None:
    letters = {
        (one.names[0], *one.nicknames)
        for name in ns.task_names
        for one in ns[name].get_arguments()
        if one.nicknames
    }
    assert letters == {("yes", "y"), ("quiet", "q"), ("follow", "f"), ("verbose", "v")}


def test_every_option_that_takes_a_value_says_in_its_help_what_it_is() -> None:
    shown = {one.name: one.argument.spelt for one in DECLARED.values()}
    assert {name for name, spelt in shown.items() if " " not in spelt.removeprefix("-")} == {
        one.name for one in DECLARED.values() if isinstance(one, Flag) and not one.letter
    }
    assert shown["for"] == "--for DURATION"
    assert shown["only"] == "--only SERVICE"
    assert shown["migrations"] == "--migrations down|keep"
    assert shown["yes"] == "-y, --yes"


@pytest.mark.parametrize("name", sorted(TASKS))
def test_the_body_of_a_task_takes_what_its_options_make(name: str) -> None:
    _, *parameters = inspect.signature(ns[name].body.__wrapped__).parameters.values()
    said = {one.name: one.annotation for one in parameters if one.kind is not one.VAR_KEYWORD}
    behind = said.pop("behind", "")
    assert behind == ("tuple[str, ...]" if ns[name].behind else "")
    parameters = [one for one in parameters if one.name != "behind"]
    assert said == {one: KINDS[type(BY_KEYWORD[one])] for one in TASKS[name] if one in said}
    assert [one.name for one in parameters if one.default is not one.empty] == []
    rest = {*TASKS[name]} - {*said}
    if [one.name for one in parameters if one.kind is one.VAR_KEYWORD] == ["group"]:
        assert rest == ({"group"} if "." not in name else set())  # of one server there is none
        return
    assert bool(rest) == (len(said) < len(parameters))
    made = {field.name for field in dataclasses.fields(Wish)}
    made |= {field.name for field in dataclasses.fields(history.Options)}
    assert rest <= made | {*inspect.signature(logs.options).parameters, "group"}


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.task)
def test_a_job_of_cron_gives_its_task_flags_that_it_has(job: Job) -> None:
    flags = {f"--{BY_KEYWORD[one].name}" for one in TASKS[job.task]}
    assert {*job.flags} <= flags


def test_every_option_of_a_deploy_reaches_it(
    fleet: Fleet, calls: Callable[[str], list[Any]]
) -> None:
    got = calls("fabfile.ops.deploy.fleet.deploy")
    line = (
        "ubuntu.deploy --ref v1 --only web --only api --rebuild --waive link --waive outside:site"
        " --restart-data --allow-destructive --remove-orphans --yes --wait 2m --dry-run"
        " --verbose --json"
    )
    assert fleet.fab(line).code == 0
    wish = Wish(
        restart_data=True,
        remove_orphans=True,
        only=("web", "api"),
        allow_destructive=True,
        rebuild=True,
    )
    wanted = Options("v1", ("link", "outside:site"), wish, True, True, True, 120)
    assert got == [["ubuntu"], wanted, {"as_json": True}]


@pytest.mark.parametrize(
    ("line", "names"), [("ubuntu.deploy", ["ubuntu"]), ("deploy", ["montreal", "ubuntu"])]
)
def test_a_deploy_without_options_wishes_nothing(
    fleet: Fleet, calls: Callable[[str], list[Any]], line: str, names: list[str]
) -> None:
    got = calls("fabfile.ops.deploy.fleet.deploy")
    assert fleet.fab(line).code == 0
    assert got == [names, Options(), {"as_json": False}]


def test_an_option_may_have_another_default_in_one_task(
    fleet: Fleet, calls: Callable[[str], list[Any]]
) -> None:
    verified = calls("fabfile.ops.data.backups.verify")
    restored = calls("fabfile.ops.data.restore.restore")
    assert [fleet.fab(line).code for line in ("db.verify", "db.restore")] == [0, 0]
    assert verified == ["", "newest", "", {"quiet": False, "as_json": False}]
    assert (restored[1].backup, restored[1].waive) == ("", ())


@pytest.mark.parametrize(("name", "option"), PATIENT)
def test_what_is_no_duration_is_one_line_before_anything_else(
    fleet: Fleet, name: str, option: str
) -> None:
    fleet.hosts.unlink()
    ran = fleet.fab(f"{name} --{option} soon")
    said = f"error: --{option} 'soon' is no duration: 90s, 10m or 1h\n"
    assert (ran.code, ran.out, ran.err) == (2, "", said)
    assert fleet.connections == []
