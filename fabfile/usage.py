"""Usage errors end with exit code 2, as docs and tasks say; Invoke ends them with 1, unchangeably.

Its parser is the only thing here that is not used as it comes.
"""

from __future__ import annotations

from typing import Any, NoReturn

from invoke import Exit
from invoke.parser.parser import ParseMachine

from .model.errors import REFUSED


def _refuse(_machine: ParseMachine, message: str) -> NoReturn:
    raise Exit(message, code=REFUSED)


def _see_value(machine: ParseMachine, value: Any) -> None:
    try:
        _taken(machine, value)
    except ValueError:  # of the type that the argument has
        machine.error(f"{value!r} is no value for flag {machine.flag}")


_taken = ParseMachine.see_value


def end_usage_errors_as_refused() -> None:
    """From now on, in this process."""
    ParseMachine.error = _refuse  # type: ignore[method-assign, assignment]
    ParseMachine.see_value = _see_value  # type: ignore[method-assign, assignment]
