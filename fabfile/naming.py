"""Of each server only the tasks that a command line may mean are told to Invoke's parser.

It copies what it is told, twice, for every command: of fifty servers that takes longer than to ask
them. What it lists and completes it takes from the collection, which has all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from invoke import Program
from invoke.parser import Parser
from invoke.parser.context import ParserContext

from .command import known_servers


def tell_named() -> None:
    """From now on, in this process."""
    Program._make_parser = _make_parser  # type: ignore[method-assign, assignment]


def _make_parser(program: Program) -> Parser:
    root, unknown = program.collection, program.config.tasks.ignore_unknown_help
    contexts = [
        ParserContext(name=name, aliases=aliases, args=root[name].get_arguments(unknown))
        for name, aliases in meant(root.task_names, program.argv, set(known_servers()))
    ]
    return Parser(initial=program.initial_context, contexts=contexts)


def meant(
    tasks: Mapping[str, Sequence[str]], words: Sequence[str], servers: set[str]
) -> Iterator[tuple[str, Sequence[str]]]:
    """Of tasks with their aliases, those but for servers that no word begins with."""
    # A word may be --help=ubuntu.deploy, or all that stands behind --complete.
    apart = " ".join(words).replace("=", " ").split()
    named = {word.partition(".")[0] for word in apart}
    for name, aliases in tasks.items():
        server, dot, _ = name.partition(".")
        if not dot or server not in servers or server in named:
            yield name, aliases
