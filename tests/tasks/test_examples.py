"""``fab --help TASK`` shows an example where a task takes a value, and each example is right."""

from __future__ import annotations

import inspect
import re
import shlex

import pytest
from invoke.parser import Parser
from invoke.parser.context import ParserContext

from fabfile import ns
from fabfile.command import Command

from .fakes.fleet import Fleet
from .fakes.program import contexts

NAMES = sorted(ns.task_names)


def examples(name: str) -> list[str]:
    """Those in the help of a task."""
    return re.findall(r"^Example: (.+)$", inspect.getdoc(ns[name]) or "", re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_a_task_that_takes_a_value_has_an_example(name: str) -> None:
    task = ns[name]
    assert isinstance(task, Command)
    takes = any(option.argument.takes_value for option in task.options)
    shown = examples(name)
    assert bool(shown) >= takes
    for line in shown:
        assert len(f"  Example: {line}") <= 80
        fab, *words = shlex.split(line)
        _, parsed = Parser(contexts=contexts(), initial=ParserContext()).parse_argv(words)
        assert (fab, parsed.name) == ("fab", name)
        given = {argument.attr_name or argument.name: argument for argument in parsed.args.values()}
        for option in task.options:
            option.value(given[option.keyword].value)


def test_help_shows_them_with_the_servers_own_name(fleet: Fleet) -> None:
    for line in ("--help montreal.logs", "montreal.logs --help"):
        shown = fleet.fab(line)
        assert shown.code == 0
        assert "  Example: fab montreal.logs --status 5xx --follow\n" in shown.out
    assert "  Example: fab logs --status 5xx --follow\n" in fleet.fab("--help logs").out
