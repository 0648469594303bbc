"""Usage errors end with exit code 2 and say what may have been meant; Invoke ends them with 1.

Here Invoke's parser is changed: what it says of an error, and how ``--help`` shows a value. What is
wrong with Fabric's own options before the task is told by Invoke, before this module is read.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Any, NoReturn

from invoke import Exit, ParseError, Program
from invoke.parser.context import ParserContext
from invoke.parser.parser import ParseMachine, is_flag, is_long_flag

from .command import BEHIND, FOLDER
from .kinds import Given
from .model.errors import REFUSED, Trouble
from .model.nearest import meant

UNKNOWN = re.compile(r"No idea what '(.*)' is!")
"""What Invoke says of a word that is neither a task nor an option."""
FORMATS = ("flat", "nested", "json")


class Usage(ParseError, Exit):
    """What cannot be parsed, with our exit code."""

    def __init__(self, message: str, context: ParserContext | None = None) -> None:
        super().__init__(message, context)
        self.args = (f"error: {message}",)
        self.message = None  # Invoke would show it twice.
        self._code = REFUSED


def refuse_usage_errors() -> None:
    """From now on, in this process."""
    ParseMachine.error = _refuse  # type: ignore[method-assign, assignment]
    ParseMachine.handle = _handle  # type: ignore[method-assign, assignment]
    ParseMachine.complete_flag = _complete_flag  # type: ignore[method-assign, assignment]
    Program.parse_cleanup = _parse_cleanup  # type: ignore[method-assign, assignment]
    ParserContext.help_for = _help_for  # type: ignore[method-assign, assignment]


_handled = ParseMachine.handle
_completed = ParseMachine.complete_flag
_cleaned_up = Program.parse_cleanup
_helped = ParserContext.help_for


def _refuse(machine: ParseMachine, message: str) -> NoReturn:
    raise Usage(_told(machine, message), machine.context)


def _told(machine: ParseMachine, message: str) -> str:
    """What Invoke says, in our words."""
    context = machine.context
    flag: Any = machine.flag
    if found := UNKNOWN.fullmatch(message):
        word = found[1]
        if is_flag(word):
            return _no_option(word, context)
        told = _no_task(word, [*machine.contexts])
        unwanted = flag and not flag.takes_value
        return f"{told} (--{flag.names[0]} takes no value)" if unwanted else told
    if missing := context.missing_positional_args:
        return f"{context.name} needs {', '.join(map(_spelt, missing))}"
    return message


def _spelt(argument: Any) -> str:
    return argument.spelt if isinstance(argument, Given) else f"--{argument.names[0]} VALUE"


def _no_option(word: str, context: ParserContext) -> str:
    known = [name for name in context.flags if is_long_flag(name)]
    near = meant(word, known, cutoff=0.7) if is_long_flag(word) else ""
    if not context.name:
        behind = f"; an option of a task stands behind it: fab TASK {word}"
        return f"fab has no option {word}{near or behind}"
    return f"{context.name} has no option {word}{near or f'; fab --help {context.name} shows all'}"


def _no_task(name: str, tasks: list[str]) -> str:
    """Why there is no such task: its server, which hosts.ini would have, or a mistyped name."""
    if any(task.startswith(f"{name}.") for task in tasks):
        return f"{name} is a group of tasks; fab --list {name} shows them"
    server, dot, _ = name.partition(".")
    if dot and not any(task.startswith(f"{server}.") for task in tasks):
        from .ops.session import read_inventory

        try:
            read_inventory(os.environ, FOLDER.get()).server(server)
        except Trouble as trouble:
            return "\n".join([trouble.message, *(f"  {line}" for line in trouble.evidence)])
    near = meant(name, tasks, cutoff=0.8)
    return f"there is no task {name}{near or '; fab --list shows all'}"


def _handle(machine: ParseMachine, token: str) -> None:
    """Take no option for a value; refuse Fabric's own, such as ``-d``, behind a task.

    The second word of a pair is its value too.
    """
    context, core = machine.context, machine.initial.flags
    flag: Any = machine.flag
    if isinstance(flag, Given) and flag.pair and len(flag.value) == 1 and not is_flag(token):
        flag.value = token
        return
    if context.name and token not in context.flags:
        if machine.waiting_for_flag_value and is_long_flag(token):
            _complete_flag(machine)
        helps = token in core and core[token].name == "help"
        if not machine.waiting_for_flag_value and is_flag(token) and not helps:
            machine.error(f"No idea what '{token}' is!")
    _handled(machine, token)


def _complete_flag(machine: ParseMachine) -> None:
    """Invoke does not see that an option which may be given again has no value."""
    flag: Any = machine.flag
    if machine.waiting_for_flag_value and not flag.optional:
        machine.error(f"--{flag.names[0]} needs a value: {_spelt(flag)}")
    _completed(machine)


def _parse_cleanup(program: Program) -> None:
    """Also ``--help`` and ``--list`` of what there is not are usage errors."""
    name, form = program.args.list.value, program.args["list-format"].value
    if name and form not in FORMATS:
        formats = " or ".join(FORMATS)
        raise Usage(f"--list-format '{form}' is not {formats}{meant(form, FORMATS)}")
    try:
        _cleaned_up(program)
        _take_behind(program)
        sys.stdout.flush()
    except BrokenPipeError:  # `fab --list | head`: who reads has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
    except Usage:
        raise
    except ParseError as error:
        found = UNKNOWN.fullmatch(str(error))
        raise Usage(
            _no_task(found[1], [*program.parser.contexts]) if found else str(error)
        ) from None
    except Exit as error:
        if not error.message:
            raise
        near = meant(name, program.collection.collections)
        raise Usage(f"there is no group {name}{near or '; fab --list shows all'}") from None


def _take_behind(program: Program) -> None:
    """Keep the words behind ``--`` for the one task that takes them; Invoke makes one text of them.

    Fabric would run that text with a shell on the servers of ``-H``.
    """
    BEHIND.set(())
    found = [program.collection[one.name] for one in program.tasks if one.name]
    taking = [one for one in found if getattr(one, "behind", "")]
    names = [str(one.name) for one in program.tasks]
    if "--" not in program.argv:
        if taking:
            name = names[found.index(taking[0])]
            raise Usage(f"{name} needs a command: fab {name} SERVICE -- {taking[0].behind}")
        return
    if not taking or taking[-1] != found[-1]:
        one = names[-1] if names else "fab"
        raise Usage(f"{one} takes nothing behind --")
    if len(taking) > 1:
        raise Usage(f"of {', '.join(names)} one can have what is behind --")
    BEHIND.set(tuple(program.argv[program.argv.index("--") + 1 :]))
    program.core.remainder = ""
    if not BEHIND.get():
        raise Usage(f"{names[-1]} needs a command behind --")


def _help_for(context: ParserContext, flag: str) -> tuple[str, str]:
    argument = context.flags[flag]
    if isinstance(argument, Given):
        return argument.spelt, argument.help or ""
    return _helped(context, flag)
