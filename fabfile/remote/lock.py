"""One change per server at a time: a lock that dies with its holder.

``flock`` on the server, held by a shell that needs a sign of life over the SSH channel. A killed
operator frees it at once (the channel closes), a cut network after ``PATIENCE`` seconds.
"""

from __future__ import annotations

import queue
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from invoke.exceptions import ThreadException
from paramiko import SSHException

from ..model.errors import REFUSED, Trouble
from .host import WIRE, Host, command_line, to_wire

BEAT = 4.0
"""Seconds between two signs of life."""
PATIENCE = 15
"""Seconds without one after which the server frees the lock."""
LONGEST = 6 * 3600
"""Seconds after which even a live holder loses it."""
TAKE = """
at=$1/locks
while [ ! -d "$at" ]; do at=$(dirname "$at"); done
exec flock --no-fork --nonblock --conflict-exit-code 75 "$at" bash -c "$2" lock "$1" "$3" "$4"
"""
"""flock becomes the holder, so that the lock is the living process's own: the kernel's list of
locks, which a look reads, does not show one of a process that has ended."""
HOLD = """
root=$1 who=$2 patience=$3
tell() { [ ! -d "$root/locks" ] || printf '%s\\n' "$*" >"$root/locks/holder"; }
tell "$who"
echo LOCKED
while IFS= read -r -t "$patience" beat; do
  case $beat in
    bye) break ;;
    step*) tell "$who, at step '${beat#step}'" ;;
  esac
done
rm -f "$root/locks/holder"
"""


class _Beats:
    """Standard input of the holder: what is said at once, else a sign of life every ``BEAT`` s."""

    def __init__(self) -> None:
        self.said: queue.Queue[str] = queue.Queue()
        self.over = False

    def read(self, _size: int) -> str:
        if self.over:
            return ""
        try:
            text = self.said.get(timeout=BEAT)
        except queue.Empty:
            return "beat\n"
        self.over = text in ("bye\n", "")
        return text


class _Heard:
    """Standard output of the holder: whether it has said LOCKED."""

    def __init__(self) -> None:
        self.text = ""
        self.changed = threading.Event()

    def write(self, text: str) -> int:
        self.text += text
        self.changed.set()
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back."""


class Lock:
    """The lock of one server, as a context manager.

    Entering raises :class:`Trouble` (exit code 2) that tells who holds it and since when.
    """

    def __init__(self, host: Host, who: str) -> None:
        self._host = host
        self._who = who
        self._beats = _Beats()
        self._heard = _Heard()
        self._promise: Any = None

    def __enter__(self) -> Self:
        root = str(self._host.server.root)
        words = ["bash", "-c", TAKE, "lock", root, HOLD, self._who, str(PATIENCE)]
        self._promise = self._host.context.run(
            command_line(words, LONGEST, has_stdin=True),
            asynchronous=True,
            warn=True,
            encoding=WIRE,
            in_stream=self._beats,
            out_stream=self._heard,
        )
        while "LOCKED" not in self._heard.text:
            self._heard.changed.wait(0.1)
            self._heard.changed.clear()
            if self._promise.runner.process_is_finished and "LOCKED" not in self._heard.text:
                raise self._busy()
        return self

    def _busy(self) -> Trouble:
        code = self._promise.runner.returncode()
        self._beats.said.put("")
        with suppress(ThreadException):
            self._promise.join()
        if code != 75:
            return Trouble(
                f"{self._host.name}: the lock cannot be taken (exit {code})", code=REFUSED
            )
        told = self._host.read(["cat", f"{self._host.server.root}/locks/holder"], check=False)
        holder = told.stdout.strip() or "somebody whose name is not written down yet"
        return Trouble(
            f"{self._host.name}: another change is running: {holder}; wait for it, then run again",
            code=REFUSED,
        )

    def step(self, title: str) -> None:
        """Tell others which step is going on."""
        self._beats.said.put(to_wire(f"step{title}\n"))

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._beats.said.put("bye\n")
        # When the connection is gone, so is the lock: an error here would only hide the first one.
        with suppress(ThreadException, SSHException, OSError, EOFError):
            self._promise.join()
