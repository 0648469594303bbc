"""Tab behind an option: the services and servers that can be named there, without a connection.

All else is completed by Invoke: tasks, and their options once a ``-`` is typed.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import invoke.program
from invoke import Exit, ParseError
from invoke.parser.parser import is_flag

from .command import FOLDER, known_servers
from .kinds import Given
from .model.errors import Trouble
from .model.hosts.sections import services_of

if TYPE_CHECKING:
    from invoke.parser import Parser
    from invoke.parser.context import ParserContext


_invoke: Any = invoke.program
_completed = _invoke.complete


def complete_values() -> None:
    """From now on, in this process."""
    _invoke.complete = _complete


def _complete(*, core: Any, parser: Parser, **given: Any) -> None:
    # Bash makes a word of its own of the = in --service=web.
    _, *words = core.remainder.replace("=", " ").split() or [""]
    last = words[-1:]
    values = _values(words, parser)
    if values and last[0] not in values:
        print(*values, sep="\n")
        raise Exit
    try:
        _completed(core=core, parser=parser, **given)
    except ValueError:  # a quote that is not closed yet
        raise Exit from None


def _values(words: list[str], parser: Parser) -> list[str]:
    """What can stand for the option that the last word is, or is the value of."""
    for option in range(len(words), max(len(words) - 2, 0), -1):
        if is_flag(words[option - 1]):
            context = _context(words[:option], parser)
            argument = context.flags.get(words[option - 1]) if context else None
            return _told(argument, context) if isinstance(argument, Given) and context else []
    return []


def _context(words: list[str], parser: Parser) -> ParserContext | None:
    """The task at whose options somebody is."""
    try:
        parsed: list[ParserContext] = parser.parse_argv(words)
    except ParseError as error:
        return error.context
    return parsed[-1]


def _told(argument: Given, context: ParserContext) -> list[str]:
    if argument.shows == "SERVER":
        return list(known_servers())
    if argument.shows == "SERVICE":
        return _services((context.name or "").partition(".")[0])
    return argument.shows.split("|") if "|" in argument.shows else []


def _services(server: str) -> list[str]:
    """Those in the compose file of a server, as it is here; of all servers where it names none."""
    from .ops.session import read_inventory

    try:
        servers = read_inventory(os.environ, FOLDER.get()).servers
    except Trouble:
        return []
    named = [one for one in servers if one.name == server]
    found: dict[str, None] = {}
    for one in named or servers:
        for name in one.compose:
            file = FOLDER.get() / name
            if file.is_file():
                found |= dict.fromkeys(services_of(file.read_text(encoding="utf-8")))
    return list(found)
