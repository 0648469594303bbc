"""The journal: what a command did on servers is written down there, however it ended."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..model.access.secrecy import masked
from ..model.errors import DONE, Trouble, as_trouble
from ..model.journal import Entry, cut, short

if TYPE_CHECKING:
    from .session import Session


@dataclass
class Part:
    """What is told of one server beside the task, its arguments and its end."""

    keys: tuple[str, ...] = ()
    """Keys of ``.env`` that were changed."""
    note: str = ""
    code: int | None = None
    """How it ended on this server; None: as the whole command."""


class Journal:
    """The servers that a command changed, and what is told of each."""

    def __init__(self) -> None:
        self.parts: dict[str, Part] = {}

    def about(self, name: str) -> Part:
        """What is told of a server. Asked for, it will be told, whatever was changed there.

        ``Host.write``, ``write_all`` and ``pour`` ask for it. A task that changes a server in
        another way asks itself.
        """
        return self.parts.setdefault(name, Part())

    def nothing(self, name: str) -> None:
        """What ran on a server has changed nothing there after all."""
        self.parts.pop(name, None)


@contextmanager
def kept(session: Session, task: str, words: Sequence[str]) -> Iterator[None]:
    """Write down what is done inside on each server that is changed, also where it fails.

    A journal that cannot be written is a warning, whatever the command came to.
    """
    begun = time.monotonic()
    ended: BaseException | None = None
    try:
        yield
    except BaseException as error:
        ended = error
        raise
    finally:
        if session.journal.parts:
            try:
                _keep(session, task, words, time.monotonic() - begun, ended)
            except KeyboardInterrupt:
                session.console.warn("", "not in the journal: nobody waited for it")


def _keep(
    session: Session, task: str, words: Sequence[str], seconds: float, ended: BaseException | None
) -> None:
    from ..remote import journal as remote
    from .session import occasion, operator, side_by_side

    trouble = as_trouble(ended) if ended else None
    redact = session.console.redact
    entry = Entry(
        at=0,
        who=operator(),
        task=task,
        arguments=cut([redact(word) for word in masked(words)]),
        occasion=occasion(),
        code=trouble.code if trouble else DONE,
        seconds=round(seconds, 1),
        error=short(redact(trouble.message)) if trouble else "",
        collection=remote.collection(),
    )

    def write(name: str) -> None:
        part = session.journal.parts[name]
        code = entry.code if part.code is None else part.code
        own = replace(entry, keys=part.keys, note=short(redact(part.note)), code=code)
        if code == DONE:
            own = replace(own, error="")
        try:
            remote.write(session.host(name), own)
        except Trouble as failed:
            why = failed.message.removeprefix(f"{name}: ")
            session.console.warn(name, f"not in the journal: {why}")

    side_by_side(write, list(session.journal.parts))
