"""The kinds of options: how a value is typed, what Invoke reads of it, and what a task gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from keyword import iskeyword
from typing import Any, ClassVar

from invoke import Argument

from .model.errors import refused
from .model.typed import ago, one_of, percent, seconds, whole

REQUIRED = ...
"""The default of an option that must be given; its value may stand without its name."""


class Given(Argument):
    """An argument that ``--help`` shows as its option says."""

    spelt: str
    """``-y, --yes`` or ``--for DURATION``."""
    shows: str
    """What stands there for its value; empty: it takes none."""
    pair: bool
    """Whether it takes two words at a time."""


# One dataclass, not one for each kind: each takes a millisecond of every list and every Tab.
@dataclass(frozen=True)
class Option:
    """What stands on the command line, and what the body of a task gets for it."""

    name: str
    help: str
    shows: str = ""
    """What stands for its value in ``--help``, such as FILE; empty: that of its kind."""
    default: Any = None
    """None: that of its kind."""
    letter: str = ""
    """Its short flag; empty: none. Invoke would give every option one."""

    unset: ClassVar[Any] = ""
    """The default of its kind."""
    kind: ClassVar[type] = str
    """How Invoke reads it: a ``bool`` takes no value, a ``list`` may be given again."""
    usual: ClassVar[str] = ""
    """What stands for a value of its kind."""

    @property
    def keyword(self) -> str:
        """Its name in Python: ``dry_run``; with ``_`` behind it where Python has the word."""
        name = self.name.replace("-", "_")
        return f"{name}_" if iskeyword(name) else name

    @property
    def argument(self) -> Given:
        """What Invoke reads of it."""
        required = self.default is REQUIRED
        default = self.unset if self.default is None else self.default
        made = Given(
            names=(self.name, *self.letter),
            kind=self.kind,
            default=None if required else default,
            help=self.help,
            positional=required,
            attr_name=self.keyword if self.keyword != self.name else None,
        )
        made.shows = self.shows or self.usual
        made.pair = isinstance(self, Pair)
        short = f"-{self.letter}, " if self.letter else ""
        made.spelt = f"{short}--{self.name} {made.shows}".rstrip()
        return made

    def __deepcopy__(self, _memo: object) -> Option:
        """Itself. Invoke copies all tasks with their options, for every list and every Tab."""
        return self

    def with_default(self, default: Any) -> Option:
        """The same option in a task that has another default."""
        return replace(self, default=default)

    def value(self, given: Any) -> Any:
        """What the body gets; exit code 2 for text that has no such meaning."""
        return given


class Flag(Option):
    """Given or not: a bool."""

    unset = False
    kind = bool


class Text(Option):
    """Any text; not given: empty, unless it has another default."""


class Texts(Option):
    """Text that may be given again: a tuple in that order."""

    unset: ClassVar[Any] = []
    kind = list

    def value(self, given: Sequence[str]) -> tuple[str, ...]:
        """As use cases take it; Invoke makes a list."""
        return tuple(given)


class Pair(Option):
    """Two words behind its name; not given: an empty tuple."""

    unset: ClassVar[Any] = []
    kind = list

    def value(self, given: Sequence[str]) -> tuple[str, ...]:
        """Both; exit code 2 for one alone, or more."""
        if len(given) not in (0, 2):
            raise refused(f"--{self.name} takes two: --{self.name} {self.shows}")
        return tuple(given)


class Choice(Option):
    """One of the words that it shows, ``down|keep``; not given: empty."""

    def value(self, given: str) -> str:
        """The word; exit code 2 for another one."""
        return one_of(f"--{self.name}", given, self.shows.split("|"))


class Count(Option):
    """A whole number; not given: None."""

    usual = "NUMBER"

    def value(self, given: str) -> int | None:
        """The number; exit code 2 for text that is none, or less than 0."""
        return whole(f"--{self.name}", given) if given else None


class Ago(Option):
    """A time before now such as 10m, or an instant; not given: empty."""

    usual = "TIME"

    def value(self, given: str) -> str:
        """As ``docker logs`` takes it; exit code 2 for other text."""
        return ago(f"--{self.name}", given)


class Duration(Option):
    """A time such as 90s, 10m or 1h; not given: 0."""

    usual = "DURATION"

    def value(self, given: str) -> int:
        """Seconds; exit code 2 for text that is no duration."""
        return seconds(f"--{self.name}", given)


class Share(Option):
    """A part of the clients such as 10%; not given: 0."""

    usual = "SHARE"

    def value(self, given: str) -> int:
        """Of 100; exit code 2 for text that is no share."""
        return percent(f"--{self.name}", given)
