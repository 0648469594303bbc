"""The rules of the house that no other judge watches."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from fabfile import ns

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(path for path in (ROOT / "fabfile").rglob("*") if path.suffix in (".py", ".sh"))
SERVERS = sorted((ROOT / "compose").glob("docker-compose.*.yml"))
TASKS = {name: ns[name] for name in ns.task_names}


def application_services() -> Iterator[str]:
    """Names of the services that are built here, without the number of a twin."""
    for file in SERVERS:
        model: dict[str, Any] = yaml.safe_load(file.read_text())
        for name, service in model["services"].items():
            if "build" in service:
                yield re.sub(r"-\d+$", "", name)


def test_the_application_is_not_named_in_the_python() -> None:
    names = set(application_services())
    assert names == {"core-api", "item-resolver", "frontend", "waf"}
    found = "|".join(name.replace("-", "[-_]") for name in names)
    pattern = re.compile(f"(?<!DEBIAN_)({found})", re.IGNORECASE)
    guilty = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if pattern.search(line)
    ]
    assert guilty == []


def test_nothing_sleeps() -> None:
    """Waiting is for a real signal with a deadline: Host.wait, an Event, a queue."""
    guilty = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if re.search(r"\bsleep\b", line)
    ]
    assert guilty == []


def test_no_remote_command_is_made_of_an_f_string() -> None:
    """A command is a list of words; only host.py joins them into a line."""
    guilty = []
    for path in SOURCES:
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and _is_runner(node) and _is_joined(node.args[:1]):
                guilty.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert guilty == []


def _is_runner(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and node.func.attr in ("run", "sudo", "local")


def _is_joined(arguments: list[ast.expr]) -> bool:
    return any(isinstance(argument, (ast.JoinedStr, ast.BinOp)) for argument in arguments)


def test_no_module_of_the_tasks_shadows_one_that_they_import() -> None:
    """fabfile/ itself lands on sys.path[0]."""
    names = {path.stem for path in (ROOT / "fabfile").iterdir() if path.stem != "__init__"}
    imported = {
        alias
        for path in SOURCES
        if path.suffix == ".py"
        for node in ast.walk(ast.parse(path.read_text()))
        for alias in _imported(node)
    }
    assert names & imported == set()


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.level == 0:
        return [(node.module or "").partition(".")[0]]
    return []


@pytest.mark.parametrize("name", sorted(TASKS))
def test_a_task_says_what_it_does_in_one_sentence(name: str) -> None:
    summary = (TASKS[name].__doc__ or "").strip().splitlines()[0]
    assert summary.endswith(".")
    assert 20 <= len(summary) <= 100


def test_both_servers_have_the_same_tasks() -> None:
    per_server = {
        server: {name.partition(".")[2] for name in TASKS if name.startswith(f"{server}.")}
        for server in ("ubuntu", "montreal")
    }
    assert per_server["ubuntu"] == per_server["montreal"] != set()
