"""A host that gathers changes, to make them in one round trip."""

from __future__ import annotations

from collections.abc import Sequence

from .commands.together import Change
from .host import Host
from .output import Output, Timeout


class Gathering(Host):
    """The same host: what is written waits for :meth:`done`, and its output is not known before."""

    def __init__(self, host: Host) -> None:
        super().__init__(host.server, host.context, host.shells)
        self._host = host
        self._changes: list[Change] = []

    def write(
        self, words: Sequence[str], *, stdin: str = "", timeout: Timeout = 60, check: bool = True
    ) -> Output:
        """Gather it."""
        self._changes.append(Change(words, stdin, timeout, check))
        return Output(0, "")

    def done(self) -> list[Output]:
        """Make all, in their order; see :meth:`Host.write_all`."""
        changes, self._changes = self._changes, []
        return self._host.write_all(changes)
