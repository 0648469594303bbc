"""The dry run: a host that tells what would change it, and changes nothing."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence

from .commands.together import Change
from .host import Host
from .output import Output, Timeout


class DryHost(Host):
    """The same host, unable to change it: what would be written is remembered instead."""

    def __init__(self, host: Host, seen: Callable[[str, str], None]) -> None:
        super().__init__(host.server, host.context, host.shells)
        self._seen = seen

    def write(
        self, words: Sequence[str], *, stdin: str = "", timeout: Timeout = 60, check: bool = True
    ) -> Output:
        """Tell what would be run."""
        self._seen(self.name, _told(words))
        return Output(0, "")

    def write_all(self, changes: Sequence[Change]) -> list[Output]:
        """Tell what would be run."""
        return [self.write(one.words) for one in changes]

    def pour(self, words: Sequence[str], chunks: Iterable[bytes], *, timeout: float) -> Output:
        """Tell what would be run."""
        return self.write(words)

    def wait(self, what: str, check: Callable[[], bool], deadline: float) -> None:
        """Nothing was changed, so there is nothing to wait for."""


def _told(words: Sequence[str]) -> str:
    """A command as a person reads it: a script of ours by its name and what it is given."""
    return " ".join(words[3:]) if words[:2] == ["bash", "-c"] else shlex.join(words)
