"""Hooks: programs of the operator's own before and after a deploy or a rollback."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ...model.errors import Trouble, refused
from ...remote import hooks as remote
from ..session import Session, operator

FOLDER = "hooks"
"""Beside ``hosts.ini``."""
BEFORE, AFTER, FAILURE = "before-deploy", "after-deploy", "on-failure"
DEADLINE = 300.0
"""Seconds that each may take."""


@contextmanager
def hooked(
    session: Session, task: str, names: Sequence[str], commit: str, subject: str
) -> Iterator[None]:
    """Run ``before-deploy``, the block, and then ``after-deploy`` or ``on-failure``.

    ``task``: ``deploy`` or ``rollback``; ``names``: the servers that change. Exit code 2 when
    ``before-deploy`` fails, or when a hook may not be run: nothing was touched. When one of the
    others fails, that is a warning.
    """
    hooks = Hooks(
        session,
        WISHWITHME_TASK=task,
        WISHWITHME_SERVERS=" ".join(names),
        WISHWITHME_COMMIT=commit,
        WISHWITHME_SUBJECT=session.console.redact(subject),
        WISHWITHME_WHO=operator(),
    )
    if why := hooks.run(BEFORE):
        raise refused(f"{why}; nothing was touched")
    start = time.monotonic()
    try:
        yield
    except Trouble as trouble:
        told = {"WISHWITHME_ERROR": session.console.redact(trouble.message)}
        hooks.tell(FAILURE, start, WISHWITHME_EXIT=str(trouble.code), **told)
        raise
    hooks.tell(AFTER, start, WISHWITHME_EXIT="0")


class Hooks:
    """The hooks of one command, and what each is told in its environment."""

    def __init__(self, session: Session, **settings: str) -> None:
        self._console = session.console
        self._folder = session.inventory.file.resolve().parent / FOLDER
        self._settings = settings
        for name in (BEFORE, AFTER, FAILURE):
            path = self._folder / name
            if path.exists() and not remote.runnable(path):
                raise refused(f"{path} is not executable: chmod +x, or remove it")

    def run(self, name: str, **settings: str) -> str:
        """Run a hook where there is one; why it failed, empty: it did not."""
        path = self._folder / name
        if not path.exists():
            return ""
        code, why = -1, ""
        with self._console.waiting(FOLDER, name):
            try:
                told = {**self._settings, **settings, "WISHWITHME_HOOK": name}
                show = self._console.line
                code = remote.run(path, told, DEADLINE, lambda line: show(FOLDER, line))
            except OSError as error:
                why = f"cannot be started: {error.strerror}"
        if not why and code:
            late = f"did not end within {DEADLINE:g} s"
            why = late if code == remote.OVERDUE else f"ended with exit code {code}"
        if not why:
            self._console.line(FOLDER, f"✓ {name}")
        return f"the hook {name} {why}" if why else ""

    def tell(self, name: str, start: float, **settings: str) -> None:
        """Run a hook that can change nothing any more: a failure of its own is a warning."""
        seconds = f"{time.monotonic() - start:.0f}"
        if why := self.run(name, WISHWITHME_SECONDS=seconds, **settings):
            self._console.warn(FOLDER, why)
