"""One change per server at a time: a lock that dies with its holder.

``flock`` on the server, held by a shell that needs a sign of life over the SSH channel. A killed
operator frees it at once (the channel closes), a cut network after ``PATIENCE`` seconds. What the
holder changes runs in a :class:`Turn`: while a command of somebody who died goes on there, nobody
gets the lock, and who lost it unawares begins no other one once somebody else has had it.
"""

from __future__ import annotations

import queue
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from invoke.exceptions import ThreadException
from paramiko import SSHException

from ..model.errors import REFUSED, Taken, Trouble
from ..model.freeze import parse_freeze
from .commands.leash import BEAT, PATIENCE
from .commands.line import Line, Turn, command_line
from .host import Host
from .wire import WIRE, to_wire

LONGEST = 6 * 3600
"""Seconds after which even a live holder loses it."""
ANSWER = 60.0
"""Seconds within which the server must say whether it gives the lock, and take it back."""
AGAIN = 2.0
"""Seconds between two tries of who waits for the lock."""
HELD, UNDER_WAY, FROZEN = 75, 76, 77
"""Exit codes of who does not get it: somebody holds it, a step of somebody who died runs, frozen"""
REMEDIES = {HELD: "; wait for it, then run again", UNDER_WAY: "; wait for its end"}
TAKE = f"""
umask 077
at=$1/locks
# What another user can open, another user can hold.
[ -d "$at" ] || at=$HOME/.wishwithme-$(cksum <<<"$1" | cut -d ' ' -f 1).lock
exec flock --no-fork --nonblock --conflict-exit-code {HELD} "$at" bash -c "$2" lock "$1" "${{@:3}}"
"""
"""flock becomes the holder, so that the lock is the living process's own: the kernel's list of
locks, which a look reads, does not show one of a process that has ended."""
HOLD = f"""
root=$1 who=$2 patience=$3 token=$4 though_frozen=$5
at=$root/locks
export TZ=UTC
tell() {{ [ ! -d "$at" ] || printf '%s\\n' "$*" >"$at/holder"; }}
turn=''
if [ -d "$at" ]; then
  [ -n "$though_frozen" ] || [ ! -s "$at/frozen" ] || exit {FROZEN}
  exec 9<>"$at/step" || exit 1
  flock --nonblock 9 || exit {UNDER_WAY}
  # In place, which takes no space: a full disk must not keep out who makes some.
  printf '%s' "$token" 1<>"$at/step" || exit 1
  exec 9>&-
  # Who holds nothing any more has died: power, or the shell that was here.
  [ ! -e "$at/holder" ] || mv -f "$at/holder" "$at/died"
  # What needs the lock makes these, and nothing of it goes on now. Others may have made such names.
  stem=wishwithme-$(cksum <<<"$root" | cut -d ' ' -f 1)
  find "${{TMPDIR:-/tmp}}" -maxdepth 1 -uid "$(id -u)" \\( -name "$stem-proxy.*" -o \
    -name "$stem-swap.*" -o -name "$stem-load.*" \\) -exec rm -rf {{}} +
  turn=' in turn'
fi
tell "$who"
echo "LOCKED$turn"
while IFS= read -r -t "$patience" beat; do
  case $beat in
    bye) rm -f "$at/holder"; exit ;;
    step*) printf -v now '%(%H:%M:%S)T' -1; tell "$who, at step '${{beat#step}}' since $now UTC" ;;
  esac
done
mv -f "$at/holder" "$at/died" 2>/dev/null
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
    """Standard output of the holder: one line, once it has the lock."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.text = ""
        self.changed = threading.Event()

    @property
    def said(self) -> str:
        """The whole line; empty until it is there."""
        line, end, _ = (self._line.own(self.text) or "").partition("\n")
        return line if end else ""

    def write(self, text: str) -> int:
        self.text += text
        self.changed.set()
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back."""


class Lock:
    """The lock of one server, as a context manager.

    Entering raises :class:`Trouble` (exit code 2) that tells who holds it, since when and at which
    step; with ``until``, an instant of the monotonic clock, only after that one. Whoever waits is
    told by ``waiting`` each time that somebody else or another step is in the way. A frozen server
    is not waited for; ``though_frozen``: what this command changes is not what runs.
    """

    def __init__(
        self,
        host: Host,
        who: str,
        *,
        until: float = 0,
        waiting: Callable[[str], None] = lambda _why: None,
        though_frozen: bool = False,
    ) -> None:
        self._host = host
        self._who = who
        self._until = until
        self._waiting = waiting
        self._though_frozen = though_frozen
        self._beats = _Beats()
        self._promise: Any = None
        self._former: Turn | None = None
        self.at = ""
        """The step that others were told last."""

    def __enter__(self) -> Self:
        told, pause = "", threading.Event()
        while code := self._take():
            why = self._why(code)
            if code not in (HELD, UNDER_WAY) or time.monotonic() >= self._until:
                kind = Taken if code == HELD else Trouble
                raise kind(f"{self._host.name}: {why}{REMEDIES.get(code, '')}", code=REFUSED)
            if why != told:
                self._waiting(why)
                told = why
            pause.wait(AGAIN)
        try:
            self._host.require_session()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _take(self) -> int:
        """Try once; 0, or the exit code of who did not get it."""
        root, token = self._host.server.root, secrets.token_hex(16)
        frozen = "though frozen" if self._though_frozen else ""
        words = [str(root), HOLD, self._who, str(PATIENCE), token, frozen]
        line = command_line(["bash", "-c", TAKE, "lock", *words], LONGEST, has_stdin=True)
        self._beats, heard = _Beats(), _Heard(line)
        try:
            self._promise = self._host.context.run(
                line.text,
                asynchronous=True,
                warn=True,
                encoding=WIRE,
                hide="stderr",
                in_stream=self._beats,
                out_stream=heard,
            )
        except (SSHException, OSError, EOFError) as error:
            raise self._host.lost(error) from None
        left = ANSWER
        while not heard.said:
            if left <= 0:
                self._beats.said.put("")
                raise Trouble(f"{self._host.name}: no answer for {ANSWER:g} s; does the host hang?")
            heard.changed.wait(0.1)
            left -= 0.1
            heard.changed.clear()
            if self._promise.runner.process_is_finished and not heard.said:
                self._beats.said.put("")
                code = self._promise.runner.returncode()
                with suppress(ThreadException):
                    self._promise.join()
                return int(code) or 1
        self._former = self._host.turn
        if heard.said == "LOCKED in turn":
            self._host.turn = Turn(root / "locks" / "step", token)
        return 0

    def _why(self, code: int) -> str:
        if code == HELD:
            who = self._read("holder") or "somebody whose name is not written down yet"
            return f"another change is running: {who}"
        if code == UNDER_WAY:
            # A file of a holder that is left behind is newer than the one about who died earlier.
            who = self._read("holder") or self._read("died") or "somebody without a name"
            return f"a step of a run that died is still under way: {who}"
        if code == FROZEN:
            freeze = parse_freeze(self._read("frozen")) or "frozen"
            return f"{freeze}; fab {self._host.name}.unfreeze lifts it"
        return f"the lock cannot be taken (exit {code})"

    def _read(self, name: str) -> str:
        path = self._host.server.root / "locks" / name
        return self._host.read(["cat", str(path)], check=False).stdout.removesuffix("\n")

    def who_died(self, since: int) -> str:
        """Who died last while they held it, and at which step; empty: nobody ``since`` then."""
        script = '[ "$(stat -c %Y "$1" 2>/dev/null || echo 0)" -lt "$2" ] || cat "$1"'
        path = self._host.server.root / "locks" / "died"
        return self._host.read(["bash", "-c", script, "died", str(path), str(since)]).stdout.strip()

    def step(self, title: str) -> None:
        """Tell others which step is going on."""
        self.at = title
        self._beats.said.put(to_wire(f"step{title}\n"))

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._host.turn = self._former
        self._beats.said.put("bye\n")
        # Who does not answer frees the lock by itself, as soon as it hears of nobody.
        leaving = threading.Thread(target=self._leave, daemon=True)
        leaving.start()
        leaving.join(ANSWER)

    def _leave(self) -> None:
        # When the connection is gone, so is the lock: an error here would only hide the first one.
        with suppress(ThreadException, SSHException, OSError, EOFError):
            self._promise.join()
