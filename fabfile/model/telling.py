"""What people are told of an outcome, whatever service brings it to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .errors import STRANDED
from .journal import short

URLS = "NOTIFY_URLS"
"""Key of ``.env``: the addresses of those who are told, as the library apprise reads them."""
STATUS_TOKEN = "COMMIT_STATUS_TOKEN"  # noqa: S105 # its name
"""Key of ``.env``, or of the operator's environment: what ``commit_status`` is reported with."""
OURS = (URLS, STATUS_TOKEN)
"""Keys of ``.env`` that no service reads."""
LINES = 10
"""Lines of what failed that are told."""


@dataclass(frozen=True)
class Message:
    """A title, and the lines below it."""

    title: str
    lines: tuple[str, ...] = ()
    is_trouble: bool = False

    @property
    def body(self) -> str:
        """The lines as one text; a service may refuse one that is empty."""
        return "\n".join(self.lines) or self.title


@dataclass(frozen=True)
class Outcome:
    """How something ended on servers."""

    task: str
    servers: tuple[str, ...]
    who: str
    occasion: str
    seconds: float
    code: int = 0
    error: str = ""
    evidence: tuple[str, ...] = ()
    commit: str = ""
    subject: str = ""
    author: str = ""
    """Of the commit."""
    is_over: bool = False
    """Whether it failed before, and people know that."""

    @property
    def message(self) -> Message:
        """What people read of it."""
        told = [f"{self.commit[:8]} {self.subject}"] if self.commit else []
        if self.author:
            told.append(f"author: {self.author}")
        told.append(f"by {self.who}, {self.occasion}, {self.seconds:.0f} s")
        if self.code:
            told += [f"error: {short(self.error)}", *last(self.evidence)]
        return Message(f"{', '.join(self.servers)}: {self.task} {self._end}", (*told,), self._bad)

    @property
    def _bad(self) -> bool:
        return self.code != 0

    @property
    def _end(self) -> str:
        if self.code == STRANDED:
            return "FAILED, a person is needed"
        if self.code:
            return "failed"
        return "is well again" if self.is_over else "done"


def last(evidence: Sequence[str]) -> list[str]:
    """The end of what stands below an error."""
    return [f"  {short(line)}" for line in evidence[-LINES:]]


def findings(server: str, new: Sequence[str], over: Sequence[str]) -> Message:
    """What an examination found that people do not know yet, and what it does not find any more.

    ``new``: lines; ``over``: names.
    """
    counts = []
    if new:
        counts.append(f"{len(new)} new finding{'s' * (len(new) > 1)}")
    if over:
        counts.append(f"{len(over)} over")
    lines = [*(short(line) for line in new), *(f"over: {name}" for name in over)]
    return Message(f"{server}: doctor: {', '.join(counts)}", (*lines,), bool(new))
