"""A host: where words become commands. Everything that reaches a server goes through here.

A command is a list of words, quoted once. Nothing remote inherits our standard input: a command
gets the text that it is given, or nothing. Every command runs under a deadline of its own, on the
server, so that it ends there even when the connection is gone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import PurePosixPath

from fabric import Connection
from invoke import Context
from paramiko import SSHException
from paramiko.ssh_exception import ChannelException

from ..model.errors import REFUSED, Trouble, refused
from ..model.inventory import Server
from .access.sessions import TOO_FEW
from .commands.leash import beating, leashed
from .commands.line import Line, Turn, command_line, quoted, reason, short
from .commands.pipe import Channel, Counted, Local, Marked, Pipe, Source
from .commands.shell import NotBegun, Silent, Told, nobody
from .commands.shells import Shells
from .commands.together import Change, apart, as_one, between
from .output import Limits, Output, Timeout, decoded, limits_of

GRACE = 20
"""Seconds that the network may add to a command's own deadline before the host counts as hung."""
OVERDUE = 124
"""Exit code of a command that its deadline ended."""
FOLLOW = 24 * 3600
"""Seconds after which following a log ends by itself."""
STREAM = 1 << 18
"""Bytes that are read from a stream at a time."""
POLL = 0.2
"""Seconds between two looks while waiting for a signal."""


class Host:
    """One server over one connection; :meth:`read` looks, :meth:`write` changes."""

    def __init__(
        self, server: Server, context: Connection | Context, shells: Shells | None = None
    ) -> None:
        self.server = server
        self.context = context
        self.shells = shells or Shells(context)
        """What reads and writes run in."""
        self.turn: Turn | None = None
        """While a lock of the server is held: what its changes run in."""
        self.hide: Callable[[Iterable[str]], None] = lambda _secrets: None
        """Told of each secret of the server's ``.env`` as soon as it was read."""
        self.env = ""
        """The text of the server's ``.env`` as it was read last; empty: nobody has read it."""
        self.changing: Callable[[], object] = lambda: None
        """Told before each command that changes the server."""
        self.told: Told = nobody
        """Told the last line of what changes the server while it runs, and how many bytes came."""
        self.clock: Callable[[], float] = time.time
        """This machine's, which the server's is compared with."""

    @property
    def name(self) -> str:
        """The server's name."""
        return self.server.name

    def throwaway(self, purpose: str) -> str:
        """Label of the containers that are made and removed for a purpose.

        Each root has its own: production's clean-up must not take staging's on the same engine.
        """
        return f"me.wishwith.throwaway={purpose} {self.server.root}"

    def read(
        self, words: Sequence[str], *, stdin: str = "", timeout: Timeout = 30, check: bool = True
    ) -> Output:
        """Run a command that changes nothing; ``check``: a failure raises :class:`Trouble`."""
        return self._checked(words, stdin, timeout, check, changes=False)

    def write(
        self, words: Sequence[str], *, stdin: str = "", timeout: Timeout = 60, check: bool = True
    ) -> Output:
        """Run a command that changes the server; ``check``: a failure raises :class:`Trouble`."""
        self.changing()
        return self._checked(words, stdin, timeout, check, changes=True)

    def write_all(self, changes: Sequence[Change]) -> list[Output]:
        """Run commands that change the server, in one round trip; those that began, as they ended.

        The first that fails is the last, and raises :class:`Trouble` if it is to be checked.
        """
        if not changes:
            return []
        self.changing()
        limits = [limits_of(one.timeout) for one in changes]
        lines = [
            (quoted(one.words, most.longest, self.turn), one.stdin)
            for one, most in zip(changes, limits, strict=True)
        ]
        words, stdin, mark = as_one(lines)
        line = quoted(words, sum(most.longest for most in limits) + GRACE)
        patience = sum(most.still for most in limits) + GRACE
        whole = self._execute(line, stdin, patience, between(self.told, mark))
        done = [self._in_turn(one, self.turn) for one in apart(whole, mark)]
        for change, most, output in zip(changes, limits, done, strict=False):
            self._judge(change.words, output, most, check=change.check)
        if not done or (len(done) < len(changes) and done[-1].ok):
            raise Trouble(f"{self.name}: a command ended half way", evidence=whole.tail())
        return done

    def put(self, path: PurePosixPath, text: str, mode: str = "600") -> None:
        """Write a file whole or not at all, in a folder that is made if it is not there.

        The text goes by stdin, to a temporary name. It is counted: a connection that ends before
        the text has come looks like the end of the text.
        """
        script = """
umask 077 && mkdir -p "${1%/*}" && cat >"$1.tmp" && [ "$(stat -c %s "$1.tmp")" = "$3" ] &&
  chmod "$2" "$1.tmp" && mv -f "$1.tmp" "$1"
"""
        size = str(len(text.encode()))
        self.write(["bash", "-c", script, "put", str(path), mode, size], stdin=text)

    def wait(self, what: str, check: Callable[[], bool], deadline: float) -> None:
        """Ask ``check`` until it says yes; :class:`Trouble` after ``deadline`` seconds."""
        end = time.monotonic() + deadline
        pause = threading.Event()
        while not check():
            if time.monotonic() >= end:
                raise Trouble(f"{self.name}: {what} did not come true within {deadline:g} s")
            pause.wait(POLL)

    def follow(self, words: Sequence[str], show: Callable[[str], None]) -> None:
        """Run a command that changes nothing and show its lines as they come, until it ends.

        Where this ends first, by Ctrl-C, an error or a cut connection, so does the command.
        """
        line = command_line(leashed(words), FOLLOW, has_stdin=True)
        with self._pipe(line) as pipe:
            with beating(pipe.write):
                for text in self._lines(pipe):
                    show(text)
            ended = self._ended(pipe, GRACE)
        if ended.code not in (0, OVERDUE):
            what = f"'{short(words)}' failed with exit code {ended.code}"
            raise Trouble(f"{self.name}: {what}", evidence=ended.errors())

    def _lines(self, pipe: Marked) -> Iterator[str]:
        try:
            yield from pipe.lines(STREAM)
        except (SSHException, OSError, EOFError) as error:
            raise self.lost(error) from None

    @contextmanager
    def stream(
        self, words: Sequence[str], *, timeout: float, failed: Callable[[Output], Trouble]
    ) -> Iterator[BufferedReader]:
        """The output of a command that changes nothing, as bytes, read as fast as they are wanted.

        Where the command has failed, its end is what ``failed`` makes of that.
        """
        line, count = command_line(words, timeout, has_stdin=False), Counted(self.told)
        with self._pipe(line) as pipe:

            def read(size: int) -> bytes:
                try:
                    data = count.take(pipe.read(size))
                except (SSHException, OSError, EOFError) as error:
                    raise self.lost(error) from None
                if not data and not (ended := self._ended(pipe, GRACE)).ok:
                    raise failed(ended)
                return data

            yield BufferedReader(Source(read), STREAM)

    def pour(self, words: Sequence[str], chunks: Iterable[bytes], *, timeout: float) -> Output:
        """Run a command that changes the server, with these bytes as its input, as they come.

        Where they break off with an error, the command has ended when that is raised.
        """
        self.changing()
        line = command_line(words, timeout, has_stdin=True, turn=self.turn)
        count = Counted(self.told)
        with self._pipe(line) as pipe:
            try:
                for chunk in chunks:
                    try:
                        pipe.write(count.take(chunk))
                    except OSError:
                        break  # it has ended: its exit code tells why
            except BaseException:
                with suppress(OSError, EOFError):
                    pipe.end(GRACE)
                raise
            return self._in_turn(self._ended(pipe, timeout), self.turn)

    @contextmanager
    def _pipe(self, line: Line) -> Iterator[Marked]:
        pipe: Pipe
        try:
            if isinstance(self.context, Connection):
                pipe = Channel(self.context.transport, line.text)
            else:
                pipe = Local(line.text)
        except (SSHException, OSError, EOFError) as error:
            raise self.lost(error) from None
        try:
            yield Marked(pipe, line)
        finally:
            pipe.close()

    def _ended(self, pipe: Marked, patience: float) -> Output:
        try:
            output = decoded(pipe.end(patience))
        except (SSHException, OSError, EOFError) as error:
            raise self.lost(error) from None
        if not pipe.begun:
            raise self.not_begun(output)
        return output

    def not_begun(self, output: Output) -> Trouble:
        """What to raise when the server's shell ended without having begun the command."""
        if output.code < 0:
            return self.lost(EOFError("it was cut"))
        return Trouble(
            f"{self.name}: the command was not run: the login shell of"
            f" {self.server.user or 'this user'} ended with exit code {output.code} before it; is"
            " it nologin, does sshd_config have a ForceCommand, does ~/.bashrc end it?",
            code=REFUSED,
            evidence=output.tail(),
            about="login shell",
        )

    def lost(self, error: BaseException) -> Trouble:
        """What to raise when the connection ended with this error."""
        if isinstance(error, ChannelException):
            return Trouble(f"{self.name}: {TOO_FEW}", about="sessions")
        return Trouble(f"{self.name}: the connection is lost ({reason(error)})")

    def require_session(self) -> None:
        """Have a session for the next command; exit code 2 when the server gives none."""
        if isinstance(self.context, Connection):
            try:
                self.shells.open_one()
            except ChannelException:
                raise refused(f"{self.name}: {TOO_FEW}", about="sessions") from None
            except (SSHException, OSError, EOFError) as error:
                raise self.lost(error) from None

    def close(self) -> None:
        """Close the connection."""
        if isinstance(self.context, Connection):
            self.context.close()
        self.shells.close()

    def _in_turn(self, output: Output, turn: Turn | None) -> Output:
        if turn and turn.missed(output.code, output.stderr):
            raise Trouble(
                f"{self.name}: somebody else has had the lock, which this command lost when the"
                " server did not hear of it in time; it changes nothing more there"
            )
        return output

    def _checked(
        self, words: Sequence[str], stdin: str, timeout: Timeout, check: bool, *, changes: bool
    ) -> Output:
        turn, told = (self.turn, self.told) if changes else (None, nobody)
        most = limits_of(timeout)
        line = quoted(words, most.longest, turn)
        output = self._in_turn(self._execute(line, stdin, most.still + GRACE, told), turn)
        self._judge(words, output, most, check=check)
        return output

    def _judge(self, words: Sequence[str], output: Output, most: Limits, *, check: bool) -> None:
        if check and output.code == OVERDUE:
            raise Trouble(f"{self.name}: '{short(words)}' did not end within {most.longest:g} s")
        if check and not output.ok:
            raise Trouble(
                f"{self.name}: '{short(words)}' failed with exit code {output.code}",
                evidence=output.tail(),
            )

    def _execute(self, line: str, stdin: str, patience: float, told: Told = nobody) -> Output:
        try:
            return decoded(self.shells.run(line, stdin.encode(), patience, told))
        except Silent as silent:
            raise Trouble(
                f"{self.name}: no answer for {silent.seconds:g} s;"
                " the host hangs or the network is cut"
            ) from None
        except NotBegun as ended:
            raise self.not_begun(decoded(ended.ran)) from None
        except (SSHException, OSError, EOFError) as error:
            raise self.lost(error) from None
