"""A command: from a task's arguments to a session, from any error to one line and a code."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from fabric import Connection
from invoke import Argument, Context, Exit, Task

from .kinds import Option
from .model.errors import FAILED, Trouble, as_trouble, refused
from .model.hosts.sections import hosts_file, servers_of
from .options import JSON
from .ui.console import Console

FOLDER: ContextVar[Path] = ContextVar("FOLDER")
"""Where ``hosts.ini`` is: the folder of the fabfile that was loaded."""
BEHIND: ContextVar[tuple[str, ...]] = ContextVar("BEHIND", default=())
"""The words behind ``--`` on the command line, as they were given."""


def folder_of(fabfile: str) -> Path:
    """Where ``hosts.ini`` is: in the folder of ``fabfile.py``, or beside the package ``fabfile/``.

    ``fabfile``: its ``__file__``.
    """
    file = Path(fabfile).resolve()
    return file.parent.parent if file.name == "__init__.py" else file.parent


def known_servers() -> tuple[str, ...]:
    """The servers that have tasks: those of the inventory, where it can be read."""
    try:
        return servers_of(hosts_file(os.environ, FOLDER.get()).read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError):
        return ()


class Command(Task[Any]):
    """A task whose arguments are made of its options, not of the names of its parameters."""

    def __init__(
        self,
        body: Callable[..., Any],
        name: str,
        options: Sequence[Option],
        journal: str,
        behind: str,
    ) -> None:
        super().__init__(body, name=name, positional=())
        self.options = options
        self.journal = journal
        self.behind = behind
        """What stands for the words that it takes behind ``--``; empty: it takes none."""

    def __deepcopy__(self, _memo: object) -> Command:
        """Itself, as an option. Nothing changes it once it is made."""
        return self

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """Those that may stand without their name first, as Invoke reads them."""
        made: Iterable[Argument] = (one.argument for one in self.options)
        return sorted(made, key=lambda one: not one.positional)


def command(
    *options: Option, needs_hosts: bool = True, journal: str = "", behind: str = ""
) -> Callable[[Callable[..., Any]], Task[Any]]:
    """A task whose body gets a session (ops/session.py) and the values of its ``options``.

    One that ``needs_hosts`` not gets the console in place of a session. With ``behind`` the body
    also gets the words behind ``--``. An error ends it with one line and an exit code; else what
    the body returns is that, if it returns anything. The name of the task is the body's without
    ``_task``. ``journal``: as what it stands in the journal of each server that it changes; empty:
    in none, because it changes nothing or makes a release, whose record tells it.
    """

    def decorate(body: Callable[..., Any]) -> Task[Any]:
        @functools.wraps(body)
        def run(context: Context, **given: Any) -> None:
            from .ops.journal import kept
            from .ops.session import Session, read_inventory
            from .ops.telling import task_told

            console = Console(as_json=bool(given.get(JSON.keyword)))
            try:
                _refuse_core(context)
                values = {one.keyword: one.value(given[one.keyword]) for one in options}
                values |= {"behind": BEHIND.get()} if behind else {}
                if not needs_hosts:
                    body(console, **values)
                    return
                inventory = read_inventory(os.environ, FOLDER.get())
                with Session(inventory, console) as session:
                    words = typed(options, given)
                    words += ["--", *BEHIND.get()] if behind else []
                    keeping = kept(session, journal, words) if journal else nullcontext()
                    with task_told(session, journal), keeping:
                        code = body(session, **values)
            except Trouble as trouble:
                console.error(trouble)
                raise Exit(code=trouble.code) from None
            except Exception as error:  # noqa: BLE001 # a bug's traceback may hold a secret too
                console.error(as_trouble(error))
                raise Exit(code=FAILED) from None
            except KeyboardInterrupt:
                console.error(Trouble("interrupted; fab status shows where things stand"))
                raise Exit(code=FAILED) from None
            if code:
                raise Exit(code=code)

        return Command(run, body.__name__.removesuffix("_task"), options, journal, behind)

    return decorate


def typed(options: Sequence[Option], given: Mapping[str, Any]) -> list[str]:
    """The words of a command line that says no more than these values."""
    words = []
    for one in options:
        argument, value = one.argument, given[one.keyword]
        if argument.positional:
            words.append(value)
        elif value is True:
            words.append(f"--{one.name}")
        elif value != argument.default:
            for each in value if isinstance(value, list) else [value]:
                words += [f"--{one.name}", str(each)]
    return words


def about(task: Task[Any], server: str) -> Task[Any]:
    """The task, whose help has this server in its examples; empty: all servers together."""
    task.__doc__ = (task.__doc__ or "").replace("SERVER.", f"{server}." if server else "")
    return task


def _refuse_core(context: Context) -> None:
    """Options of Fabric that would do another thing here than they say."""
    if isinstance(context, Connection):
        raise refused(
            "-H is not for these tasks: each names its server; hosts.ini has the addresses"
        )
    if context.config.run.dry:
        raise refused("--dry is not for these tasks: --dry-run behind a deploy shows what it does")
