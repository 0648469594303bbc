"""The command line in process, without what Invoke does anew for each command and all tasks."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

from fabric.main import Fab
from invoke.parser import Parser
from invoke.vendor.lexicon import Lexicon

from fabfile import ns


@cache
def contexts(*, ignore_unknown_help: bool | None = None) -> Any:
    """What the command line can say of each task: made once, since no command changes it."""
    return ns.to_contexts(ignore_unknown_help)


def copied(what: Any) -> Any:
    """A copy, but of the contexts of all tasks: Invoke copies the one that it fills once more."""
    return what if isinstance(what, Lexicon) else copy.deepcopy(what)


class Program(Fab):
    """``fab``, whose tasks are told to the parser once."""

    def _make_parser(self) -> Any:
        known = contexts(ignore_unknown_help=self.config.tasks.ignore_unknown_help)
        return Parser(initial=self.initial_context, contexts=known)
