"""``fab --list`` in groups: the tasks that every server has stand there once, under ``SERVER``.

``fab --list NAMESPACE`` and the formats nested and json are printed by Invoke as ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from invoke import Program
from invoke.util import helpline

from .command import Command
from .model.hosts.sections import TASKS
from .new import new_task

if TYPE_CHECKING:
    from invoke import Collection

ALL = "All servers together"
NEW = "Another project"


def group_tasks() -> None:
    """From now on, in this process."""
    Program.list_flat = _list_flat  # type: ignore[method-assign, assignment]


_flat = Program.list_flat


def _list_flat(program: Program) -> None:
    root = program.scoped_collection
    others = not (_servers(root) or TASKS & {*root.collections})  # such as those of inv
    if program.list_root or program.list_depth or others:
        _flat(program)
        return
    groups = list(_groups(root))
    width = max(len(name) for _, rows in groups for name, _ in rows)
    for title, rows in groups:
        print(f"{title}:\n")
        program.print_columns([(name.ljust(width), text) for name, text in rows])


def _groups(root: Collection) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """Titles, each with its tasks and the first line of their help."""
    servers = _servers(root)
    apart = [row for row in _rows(root, "") if row[0] == new_task.name]
    yield ALL, [row for row in _rows(root, "") if row not in apart]
    if servers:
        one = root.collections[servers[0]]
        if servers[1:]:
            among = f"{', '.join(servers[:-1])} or {servers[-1]}"
            yield f"One server (SERVER is {among})", _rows(one, "SERVER.")
        else:
            yield helpline(one) or "", _rows(one, f"{servers[0]}.")
    for name, below in root.collections.items():
        if name not in servers:
            yield helpline(below) or name, _rows(below, f"{name}.")
    if apart:
        yield NEW, apart


def _servers(root: Collection) -> list[str]:
    below = root.collections.items()
    return [name for name, one in below if isinstance(one.tasks.get("deploy"), Command)]


def _rows(collection: Collection, prefix: str) -> list[tuple[str, str | None]]:
    return [(f"{prefix}{name}", helpline(task)) for name, task in collection.tasks.items()]
