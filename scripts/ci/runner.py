"""What the program that runs a job makes of our lines: folded parts and annotations.

GitHub's runner obeys ``::COMMAND::`` at the start of a line, blanks before it or not, and
``##[COMMAND]`` anywhere. GitLab's obeys ``section_start:``. A commit's subject or a container's log
may hold either: while lines of others are shown, the runner is told to obey none, or what it would
obey is shown by its code.
"""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from .plain import visible

ERROR, WARNING, NOTICE = "error", "warning", "notice"
"""Kinds of annotations, as GitHub calls them."""


def of(environ: Mapping[str, str]) -> Log:
    """The log of the runner that runs us; without one, that of a terminal."""
    if environ.get("GITHUB_ACTIONS"):
        return GitHub()
    return GitLab() if environ.get("GITLAB_CI") else Log()


class Log:
    """Standard error, which nobody reads for commands."""

    @contextmanager
    def part(self, title: str) -> Iterator[None]:
        """A part of the log that can be folded; within it no line is obeyed."""
        del title  # whoever sits at a terminal knows what they called
        yield

    def line(self, text: str) -> None:
        """A line of fab, as it came."""
        say(text)

    def annotate(self, kind: str, title: str, text: str) -> None:
        """Tell it where a person looks first. A terminal has shown it already."""


class GitHub(Log):
    """A job of GitHub Actions."""

    @contextmanager
    def part(self, title: str) -> Iterator[None]:
        """No word of another's line can end the part: what ends it is made up for it alone."""
        mark = secrets.token_hex(16)
        say(f"::group::{_data(title)}")
        say(f"::stop-commands::{mark}")
        try:
            yield
        finally:
            say(f"::{mark}::")
            say("::endgroup::")

    def annotate(self, kind: str, title: str, text: str) -> None:
        """An annotation of the run; ``text`` may have several lines."""
        place = _data(title).replace(":", "%3A").replace(",", "%2C")
        say(f"::{kind} title={place}::{_data(text)}")


class GitLab(Log):
    """A job of GitLab CI, which has sections and no annotations."""

    def __init__(self) -> None:
        self._parts = 0

    @contextmanager
    def part(self, title: str) -> Iterator[None]:
        """A section with its time."""
        self._parts += 1
        name = f"part_{self._parts}_{secrets.token_hex(4)}"
        say(f"\x1b[0Ksection_start:{time.time():.0f}:{name}\r\x1b[0K{visible(title)}")
        try:
            yield
        finally:
            say(f"\x1b[0Ksection_end:{time.time():.0f}:{name}\r\x1b[0K")

    def line(self, text: str) -> None:
        """Without the control characters that a section's mark is made of."""
        say(visible(text))


def say(text: str) -> None:
    """One line on standard error, where the order is that of fab's own."""
    print(text, file=sys.stderr, flush=True)


def _data(text: str) -> str:
    """As GitHub's runner wants a value: on one line, with nothing in it that ends it."""
    lines = "\n".join(visible(line) for line in text.split("\n"))
    return lines.replace("%", "%25").replace("\n", "%0A")
