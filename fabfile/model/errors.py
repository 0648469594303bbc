"""The one exception that ends a command, and the exit codes it can end with."""

from __future__ import annotations

import traceback
from collections.abc import Sequence

DONE = 0
FAILED = 1
"""Failed, and nothing changed or everything was rolled back (proved)."""
REFUSED = 2
"""Usage or preflight: nothing was touched."""
STRANDED = 3
"""A person is needed; the output says exactly where things stand."""


class Trouble(Exception):
    """A failure that a person can act on.

    ``message`` is one line: the server, what failed, what to do next. ``evidence`` is shown below
    it (last log lines, a probe's answer). ``code`` is the exit code of the command. ``about``: the
    check of ``fab doctor`` that it belongs to (``model/watch/checks.py``); empty: nobody says.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int = FAILED,
        evidence: Sequence[str] = (),
        about: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.evidence = tuple(evidence)
        self.about = about


class Taken(Trouble):
    """Somebody else holds the lock of a server (exit code 2)."""


class Unwelcome(Trouble):
    """A server does not let the user in, or not to do what is to be done (exit code 2)."""


def refused(message: str, evidence: Sequence[str] = (), about: str = "") -> Trouble:
    """A precondition does not hold; nothing was touched (exit code 2)."""
    return Trouble(message, code=REFUSED, evidence=evidence, about=about)


def as_trouble(error: BaseException) -> Trouble:
    """Whatever ended a run, as trouble: a bug keeps its traceback as evidence."""
    if isinstance(error, Trouble):
        return error
    if isinstance(error, KeyboardInterrupt):
        return Trouble("interrupted by Ctrl-C")
    lines = "".join(traceback.format_exception(error)).splitlines()
    return Trouble(f"a bug in the collection: {type(error).__name__}: {error}", evidence=lines)
