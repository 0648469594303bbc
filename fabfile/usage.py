"""Usage errors end with exit code 2, as docs and tasks say; Invoke ends them with 1, unchangeably.

Its parser is the only thing here that is not used as it comes.
"""

from __future__ import annotations

import difflib
import os
import re
from functools import partialmethod
from pathlib import Path
from typing import Any, NoReturn

from invoke import Exit
from invoke.parser.parser import ParseMachine

from .model.errors import REFUSED, Trouble

UNKNOWN = re.compile(r"No idea what '(.*)' is!")
"""What Invoke says of a word that is no task."""


def _refuse(machine: ParseMachine, folder: Path, message: str) -> NoReturn:
    if found := UNKNOWN.fullmatch(message):
        message = _unknown(found[1], [*machine.contexts], folder)
    raise Exit(message, code=REFUSED)


def _unknown(name: str, tasks: list[str], folder: Path) -> str:
    """Why there is no such task: its server, which hosts.ini would have, or a mistyped name."""
    server, dot, _ = name.partition(".")
    if dot and not any(task.startswith(f"{server}.") for task in tasks):
        from .ops.session import read_inventory

        try:
            read_inventory(os.environ, folder).server(server)
        except Trouble as trouble:
            return "\n".join([f"error: {trouble.message}", *(f"  {x}" for x in trouble.evidence)])
    near = difflib.get_close_matches(name, tasks, n=2, cutoff=0.8)
    meant = f"; did you mean {' or '.join(near)}?" if near else "; fab --list shows all"
    return f"error: there is no task {name}{meant}"


def _see_value(machine: ParseMachine, value: Any) -> None:
    try:
        _taken(machine, value)
    except ValueError:  # of the type that the argument has
        machine.error(f"{value!r} is no value for flag {machine.flag}")


_taken = ParseMachine.see_value


def end_usage_errors_as_refused(folder: Path) -> None:
    """From now on, in this process. ``folder``: where ``hosts.ini`` is."""
    ParseMachine.error = partialmethod(_refuse, folder)  # type: ignore[method-assign, assignment]
    ParseMachine.see_value = _see_value  # type: ignore[method-assign, assignment]
