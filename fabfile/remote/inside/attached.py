"""A command on a server that the operator's own terminal or pipes are tied to, byte for byte.

It runs over two sessions: its own, and one of a script that stands by (``watch.sh``). Both ends
tell each other that they are there; where one is gone, the other lets the command end.
"""

from __future__ import annotations

import os
import queue
import select
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from fabric import Connection
from paramiko import SSHException

from ...model.errors import Trouble
from ..access.sessions import session_of
from ..commands.duplex import CHUNK, Duplex, Far, Near
from ..commands.leash import BEAT, PATIENCE
from ..commands.line import Line, command_line, quoted
from ..commands.shell import Ran
from ..host import FOLLOW, OVERDUE, Host
from ..output import decoded
from .here import ENDED, Here

WATCH = Path(__file__).with_name("watch.sh").read_text(encoding="utf-8")
LOST = 255
"""Exit code when the connection is lost, as that of ssh."""
NOTICED = 1.0
"""Seconds after which a signal is noticed at the latest."""
ENDING = 20
"""Seconds that the server may take to say how a command has ended."""
INTERRUPTS = 3
"""How many Ctrl-C, off a terminal, end it from here: the others are the program's."""
GONE = (SSHException, OSError, EOFError)
"""What is raised when the other end is not there any more."""


class Screen(Far):
    """A session that waits as long as its program does; with a terminal where one is here."""

    def __init__(self, connection: Connection, here: Here) -> None:
        self._session = session_of(connection.transport)
        super().__init__(self._session)
        if here.terminal:
            self._session.get_pty(os.environ.get("TERM", "xterm"), *here.size)
        self._session.settimeout(None)

    def resize(self, columns: int, lines: int) -> None:
        """The window here has another size."""
        self._session.resize_pty(columns, lines)


def opened(host: Host, here: Here) -> Screen | Near:
    """A program on a server, or on this machine, which is not begun."""
    return Screen(host.context, here) if isinstance(host.context, Connection) else Near()


class Behind:
    """What a stream gives behind the mark that says that the command begins."""

    def __init__(self, mark: str, times: int = 1) -> None:
        self._mark = mark.encode()
        self._times = times
        self.kept = b""
        """What came instead of the mark, so far."""

    @property
    def begun(self) -> bool:
        """Whether the mark has come."""
        return not self._times

    def own(self, data: bytes) -> bytes:
        """What of this the command itself has printed."""
        if not self._times:
            return data
        self.kept += data
        while self._times:
            _, found, rest = self.kept.partition(self._mark)
            if not found:
                return b""
            self.kept, self._times = rest, self._times - 1
        own, self.kept = self.kept, b""
        return own


class Watch(threading.Thread):
    """Who stands by a command on the server, and is told that somebody is here."""

    def __init__(self, host: Host, kind: str, container: str, token: str) -> None:
        super().__init__(daemon=True)
        self._host = host
        words = ["bash", "-c", WATCH, "watch", str(PATIENCE), kind]
        self._line = command_line(words, FOLLOW + 60, has_stdin=True)
        self._of = f"{token} {container}\n"
        self._told: queue.SimpleQueue[Callable[[], None] | str] = queue.SimpleQueue()
        self._duplex: Duplex
        self.lost: Callable[[BaseException], None] = lambda _error: None
        """Told when the server is not heard of any more."""

    def stand_by(self) -> None:
        """Have it stand there; :class:`Trouble` where it does not."""
        heard = Behind(self._line.mark)
        said = b""
        try:
            self._duplex = opened(self._host, Pipes())
            self._duplex.begin(self._line.text)
            self._duplex.write(self._of.encode())
            while b"ready\n" not in said:
                said += heard.own(self._duplex.hear(ENDING)[0])
        except TimeoutError:
            raise Trouble(f"{self._host.name}: no answer for {ENDING} s", code=LOST) from None
        except EOFError:
            told = decoded(Ran(self._duplex.code(ENDING), heard.kept, b""))
            raise self._host.not_begun(told) from None
        except GONE as error:
            raise self._host.lost(error) from None
        self.start()

    def tell(self, what: Callable[[], None] | str) -> None:
        """Tell the server something, or do something, beside what goes on; from any signal."""
        self._told.put(what)

    def run(self) -> None:
        """Until the command has ended, or the server is not heard of any more."""
        try:
            while True:
                try:
                    told = self._told.get(timeout=BEAT)
                except queue.Empty:
                    told = "beat"
                if not isinstance(told, str):
                    told()
                    continue
                if told:
                    self._duplex.write(f"{told}\n".encode())
                if told in ("bye", ""):
                    return
                self._duplex.hear(PATIENCE)
        except GONE as error:
            self.lost(error)

    def end(self, *, well: bool) -> None:
        """The command has ended there; not ``well``: it is to end."""
        self.tell("bye" if well else "")
        self.join(ENDING)
        with suppress(*GONE):
            self._duplex.no_more()


class Pipes(Here):
    """Nobody's: what stands by needs no terminal."""

    def __init__(self) -> None:
        super().__init__()
        self.terminal = False


def attach(host: Host, words: Sequence[str], watch: Watch, here: Here) -> int:
    """Run a command until it ends; its exit code.

    :class:`Trouble` with exit code 255 when the connection is lost: what ran ends there then.
    """
    watch.stand_by()
    well = False
    try:
        if here.terminal and not isinstance(host.context, Connection):
            code = _on_this_terminal(words, watch, here)
        else:
            code = _Attached(host, words, watch, here).run()
        well = code != OVERDUE
    except BrokenPipeError:
        # Nobody reads it any more: it ends as any program would.
        return ENDED + signal.SIGPIPE
    finally:
        watch.end(well=well)
    return code


def _on_this_terminal(words: Sequence[str], watch: Watch, here: Here) -> int:
    """Of a server that operates itself: the command has the terminal itself."""
    line = quoted(words, FOLLOW, foreground=True)
    with here.signals(lambda: watch.tell("INT"), lambda: None):
        return subprocess.call(["bash", "-c", line])


class _Attached:
    """One command, while it runs."""

    def __init__(self, host: Host, words: Sequence[str], watch: Watch, here: Here) -> None:
        self._host, self._watch, self._here = host, watch, here
        self._line: Line = command_line(words, FOLLOW, has_stdin=True, foreground=here.terminal)
        self._lost: BaseException | None = None
        self._pressed = 0
        self._enough = False
        # A terminal has one stream for both, and ends its lines in another way.
        both = here.terminal
        mark = self._line.mark.replace("\n", "\r\n") if both else self._line.mark
        self._out = Behind(mark, 2 if both else 1)
        self._errors = Behind(mark)

    def run(self) -> int:
        try:
            self._duplex = opened(self._host, self._here)
            self._watch.lost = self._cut
            self._duplex.begin(self._line.text)
        except GONE as error:
            raise self._host.lost(error) from None
        over, ending = os.pipe()
        typing = threading.Thread(target=self._type, args=(over,), daemon=True)
        try:
            with self._here.signals(self._interrupted, self._resized), self._here.raw():
                typing.start()
                code = self._hear()
        finally:
            os.close(ending)
            self._duplex.close()
            typing.join(NOTICED)
        return code

    def _hear(self) -> int:
        try:
            while True:
                try:
                    out, errors = self._duplex.hear(NOTICED)
                except TimeoutError:
                    if self._enough:
                        told = f"{self._host.name}: ended by Ctrl-C; so is what ran there"
                        raise Trouble(told, code=ENDED + signal.SIGINT) from None
                    continue
                self._here.write(self._out.own(out), self._errors.own(errors))
        except EOFError:
            code = self._duplex.code(ENDING)
        except BrokenPipeError:
            raise
        except GONE as error:
            raise self._gone(error) from None
        if not self._out.begun and code >= 0:
            raise self._host.not_begun(decoded(Ran(code, self._out.kept, self._errors.kept)))
        if code < 0:
            raise self._gone(EOFError("it was cut"))
        return code

    def _gone(self, error: BaseException) -> Trouble:
        told = self._host.lost(self._lost or error).message
        return Trouble(f"{told}; what ran there is ended by the server", code=LOST)

    def _cut(self, error: BaseException) -> None:
        """The server is not heard of any more."""
        self._lost = TimeoutError("no sign of life") if isinstance(error, TimeoutError) else error
        self._duplex.close()

    def _interrupted(self) -> None:
        self._pressed += 1
        if self._pressed < INTERRUPTS:
            self._watch.tell("INT")
        else:
            self._enough = True

    def _resized(self) -> None:
        duplex, here = self._duplex, self._here
        if isinstance(duplex, Screen) and here.terminal:
            self._watch.tell(lambda: duplex.resize(*here.size))

    def _type(self, over: int) -> None:
        """Give it what is typed or piped here, until it has ended or there is no more."""
        stdin = self._here.stdin
        try:
            while True:
                ready, _, _ = select.select([stdin, over], [], [])
                if over in ready:
                    return
                data = os.read(stdin, CHUNK)
                if not data:
                    self._duplex.no_more()
                    return
                self._duplex.write(data)
        except (*GONE, ValueError):
            pass  # it has ended: its exit code tells why
        finally:
            os.close(over)
