"""The pages and the options: what a page gives to a task it takes, and no option is left untold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fabfile import ns, options
from fabfile.kinds import Option
from fabfile.options import JSON, WAIT

from .tables import DOCS

ROOT = DOCS.parent
PAGES = [
    *(ROOT / name for name in ("README.md", "SECURITY.md", "nginx/README.md")),
    *sorted(DOCS.glob("*.md")),
]
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
OPTION = re.compile(r"(?<!\S)--([a-z][a-z-]*)")
DECLARED = {
    option.keyword: option for option in vars(options).values() if isinstance(option, Option)
}
FOREIGN = {"maxmemory", "scale"}
"""Options of Redis and compose that a page names alone."""


def taken(name: str) -> set[str]:
    """The names of a task's options."""
    return {DECLARED[str(argument.name)].name for argument in ns[name].get_arguments()}


TASKS = {name: taken(name) for name in ns.task_names}


def code(page: Path) -> Iterator[str]:
    """What a page shows as code: each line of its blocks, without its comment, and each span."""
    text = page.read_text()
    for block in FENCE.findall(text):
        yield from (line.partition(" #")[0] for line in block.splitlines())
    yield from (" ".join(span.split()) for span in re.findall(r"`([^`]+)`", FENCE.sub("", text)))


def commands(page: Path) -> Iterator[tuple[str, set[str]]]:
    """Each task that a page runs, with the options that it gives it; SERVER is each server.

    So is ``production``: what ``fab new`` calls the server of another project.
    """
    for line in code(page):
        line = line.replace("fab production.", "fab SERVER.")  # noqa: PLW2901 # what it means here
        found = re.fullmatch(r"fab ([A-Za-z][\w.]*)( .*)?", line)
        if found and found[1] != "TASK":
            for server in ("ubuntu", "montreal") if "SERVER" in line else ("",):
                yield found[1].replace("SERVER", server), {*OPTION.findall(found[2] or "")}


def alone(page: Path) -> set[str]:
    """The options that a page names without their command."""
    return {name for span in code(page) if span.startswith("--") for name in OPTION.findall(span)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_gives_a_task_only_options_that_it_has(page: Path) -> None:
    wrong = [(name, given - TASKS.get(name, set())) for name, given in commands(page)]
    assert [(name, given) for name, given in wrong if given or name not in TASKS] == []


def test_every_option_is_told_and_every_told_one_is_declared() -> None:
    run = {name for page in PAGES for _, given in commands(page) for name in given}
    told = {name for page in PAGES for name in alone(page)}
    assert (run | told) - FOREIGN == {option.name for option in DECLARED.values()}
    assert told >= FOREIGN


def test_every_task_that_prints_json_is_told() -> None:
    told = {name for name, given in commands(DOCS / "json.md") if JSON.name in given}
    assert told == {name for name, names in TASKS.items() if JSON.name in names}


def test_every_task_that_can_wait_is_told() -> None:
    """As docs/deploy.md has it: ``--wait 10m`` (of this, that and others)."""
    text = " ".join((DOCS / "deploy.md").read_text().split())
    (told,) = re.findall(r"`--wait \w+` \(of ([^;)]*);", text)
    patient = [name for name, names in TASKS.items() if WAIT.name in names]
    assert {*re.findall(r"`(\w+)`", told)} == {name.rpartition(".")[2] for name in patient}
