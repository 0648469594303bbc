"""The dry run: a host that tells what would change it, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from .commands.together import Change
from .host import Host
from .output import Output, Timeout

Told = Callable[[str, Sequence[str], str], None]
"""What is told of a command: the server, its words, and the script behind them if it is ours."""


class DryHost(Host):
    """The same host, unable to change it: what would be written is remembered instead."""

    def __init__(self, host: Host, told: Told) -> None:
        super().__init__(host.server, host.context, host.shells)
        self.hide = host.hide
        self._told = told

    def write(
        self, words: Sequence[str], *, stdin: str = "", timeout: Timeout = 60, check: bool = True
    ) -> Output:
        """Tell what would be run: a script of ours by its name and what it is given."""
        if list(words[:2]) == ["bash", "-c"]:
            self._told(self.name, words[3:], words[2])
        else:
            self._told(self.name, words, "")
        return Output(0, "")

    def write_all(self, changes: Sequence[Change]) -> list[Output]:
        """Tell what would be run."""
        return [self.write(one.words) for one in changes]

    def pour(self, words: Sequence[str], chunks: Iterable[bytes], *, timeout: float) -> Output:
        """Tell what would be run."""
        return self.write(words)

    def wait(self, what: str, check: Callable[[], bool], deadline: float) -> None:
        """Nothing was changed, so there is nothing to wait for."""
