"""A command: from a task's arguments to a session, from any error to one line and a code."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from inspect import Parameter, Signature
from pathlib import Path
from typing import Any

from fabric import Connection
from invoke import Context, Exit, Task, task

from .model.errors import FAILED, Trouble, refused
from .model.sections import hosts_file, servers_of
from .options import JSON, Option, Texts
from .ui.console import Console

FOLDER = "folder_of_hosts"
"""The key of Invoke's configuration that says to each task where ``hosts.ini`` is."""


def folder_of(fabfile: str) -> Path:
    """Where ``hosts.ini`` is: in the folder of ``fabfile.py``, or beside the package ``fabfile/``.

    ``fabfile``: its ``__file__``.
    """
    file = Path(fabfile).resolve()
    return file.parent.parent if file.name == "__init__.py" else file.parent


def known_servers(folder: Path) -> tuple[str, ...]:
    """The servers that have tasks: those of the inventory, where it can be read."""
    try:
        return servers_of(hosts_file(os.environ, folder).read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError):
        return ()


def command(
    *options: Option, needs_hosts: bool = True
) -> Callable[[Callable[..., Any]], Task[Any]]:
    """A task whose body gets a session (ops/session.py) and the values of its ``options``.

    One that ``needs_hosts`` not gets the console in place of a session.
    It ends with one line and an exit code. Options get their letters in the order in which they
    stand. The name of the task is the body's without ``_task``.
    """

    def decorate(body: Callable[..., Any]) -> Task[Any]:
        @functools.wraps(body)
        def run(context: Context, **given: Any) -> None:
            from .ops.session import Session, read_inventory

            console = Console(as_json=bool(given.get(JSON.keyword)))
            try:
                _refuse_hosts(context)
                values = {one.keyword: one.value(given[one.keyword]) for one in options}
                if not needs_hosts:
                    body(console, **values)
                    return
                inventory = read_inventory(os.environ, Path(context[FOLDER]))
                with Session(inventory, console) as session:
                    body(session, **values)
            except Trouble as trouble:
                console.error(trouble)
                raise Exit(code=trouble.code) from None
            except KeyboardInterrupt:
                console.error(Trouble("interrupted; fab status shows where things stand"))
                raise Exit(code=FAILED) from None

        context = Parameter("context", Parameter.POSITIONAL_ONLY)
        # Invoke takes the arguments from it, all but the first.
        run.__signature__ = Signature([context, *(one.parameter for one in options)])  # type: ignore[attr-defined]
        made: Task[Any] = task(  # type: ignore[assignment]
            run,
            name=body.__name__.removesuffix("_task"),
            help={one.name: one.help for one in options},
            iterable=[one.keyword for one in options if isinstance(one, Texts)],
        )
        return made

    return decorate


def _refuse_hosts(context: Context) -> None:
    if isinstance(context, Connection):
        raise refused(
            "-H is not for these tasks: each names its server; hosts.ini has the addresses"
        )
