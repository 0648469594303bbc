"""A command as a pipe of bytes: as fast as its reader and its writer, never the whole in memory."""

from __future__ import annotations

import io
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Protocol

from ...model.watch.meters import shown
from ..access.sessions import session_of
from .line import Line

PATIENCE = 60
"""Seconds that the other end may keep still while it is waited for."""
TOLD = 0.5
"""Seconds between two times that somebody is told how many bytes have come."""


class Pipe(Protocol):
    """A running command. OSError and EOFError: it, or the connection to it, is gone."""

    def read(self, size: int) -> bytes:
        """Some of its standard output, at most ``size`` bytes; empty at its end."""

    def write(self, data: bytes) -> None:
        """Give it some standard input; waits until it has taken that."""

    def end(self, patience: float) -> tuple[int, bytes, bytes]:
        """No more input: wait for its end. Its exit code, the rest of its output, its errors."""

    def close(self) -> None:
        """Let go of it, whether it has ended or not."""


class Counted:
    """How many bytes have come, told now and then."""

    def __init__(self, told: Callable[[str], None]) -> None:
        self._told = told
        self._bytes = 0
        self._next = time.monotonic() + TOLD

    def take(self, data: bytes) -> bytes:
        """Some more of them; they are given back."""
        self._bytes += len(data)
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + TOLD
            self._told(shown(self._bytes))
        return data


class Source(io.RawIOBase):
    """A function that reads some bytes, as the stream that libraries take."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        super().__init__()
        self._read = read

    def readable(self) -> bool:
        """Nothing else can be done with it."""
        return True

    def readinto(self, buffer: Any) -> int:
        """As the language's own streams do it."""
        data = self._read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class Marked:
    """A pipe to a command whose shell may print before it: it gives what the command itself prints.

    ``begun`` says whether it did begin; until then, what was printed instead comes with the end.
    """

    def __init__(self, pipe: Pipe, line: Line) -> None:
        self._pipe = pipe
        self._line = line
        self._kept = b""
        self.begun = False

    def read(self, size: int) -> bytes:
        """See :class:`Pipe`."""
        while not self.begun:
            data = self._pipe.read(size)
            if not data:
                return b""
            self._keep(data)
        data, self._kept = self._kept[:size], self._kept[size:]
        return data or self._pipe.read(size)

    def lines(self, size: int) -> Iterator[str]:
        """Its output line by line as it comes, however long that takes; the last may have no end.

        At newlines only: other separators stand inside what a program printed.
        """
        rest = b""
        while True:
            try:
                data = self.read(size)
            except TimeoutError:
                continue  # nothing new for a while
            *whole, rest = (rest + data).split(b"\n")
            if not data and rest:
                whole.append(rest)
            yield from (line.decode("utf-8", "replace") for line in whole)
            if not data:
                return

    def write(self, data: bytes) -> None:
        """See :class:`Pipe`."""
        self._pipe.write(data)

    def end(self, patience: float) -> tuple[int, bytes, bytes]:
        """See :class:`Pipe`."""
        code, rest, errors = self._pipe.end(patience)
        self._keep(rest)
        own = self._line.own(errors.decode("latin-1"))
        return code, self._kept, errors if own is None else own.encode("latin-1")

    def _keep(self, data: bytes) -> None:
        self._kept += data
        if not self.begun:
            own = self._line.own(self._kept.decode("latin-1"))
            if own is not None:
                self.begun, self._kept = True, own.encode("latin-1")


class Local:
    """On this machine."""

    def __init__(self, line: str) -> None:
        # Errors go to a file, so that a chatty command never waits for somebody to read them.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the pipe
        self._process = subprocess.Popen(
            ["bash", "-c", line],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            bufsize=0,
        )
        assert self._process.stdin
        assert self._process.stdout
        self._stdin, self._stdout = self._process.stdin, self._process.stdout

    def read(self, size: int) -> bytes:
        """See :class:`Pipe`."""
        return self._stdout.read(size) or b""

    def write(self, data: bytes) -> None:
        """See :class:`Pipe`."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._stdin.write(rest) or 0 :]

    def end(self, patience: float) -> tuple[int, bytes, bytes]:
        """See :class:`Pipe`."""
        with suppress(OSError):
            self._stdin.close()
        rest = self._stdout.read()
        try:
            code = self._process.wait(patience)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"it did not end within {patience:g} s") from None
        self._errors.seek(0)
        return code, rest, self._errors.read()

    def close(self) -> None:
        """See :class:`Pipe`."""
        for stream in (self._stdin, self._stdout, self._errors):
            with suppress(OSError):
                stream.close()
        # Without input and output it ends by itself, and cleans up.
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Channel:
    """At the other end of an SSH connection, whose window holds the faster side back."""

    def __init__(self, transport: Any, line: str) -> None:
        self._channel = session_of(transport)
        self._channel.settimeout(PATIENCE)
        self._channel.exec_command(line)

    def read(self, size: int) -> bytes:
        """See :class:`Pipe`."""
        return bytes(self._channel.recv(size))

    def write(self, data: bytes) -> None:
        """See :class:`Pipe`."""
        self._channel.sendall(data)

    def end(self, patience: float) -> tuple[int, bytes, bytes]:
        """See :class:`Pipe`."""
        self._channel.settimeout(patience)
        with suppress(OSError):
            self._channel.shutdown_write()
        rest, errors = self._all(self._channel.recv), self._all(self._channel.recv_stderr)
        if not self._channel.status_event.wait(patience) or self._channel.exit_status < 0:
            raise EOFError("the connection was cut")
        return int(self._channel.exit_status), rest, errors

    def close(self) -> None:
        """See :class:`Pipe`."""
        self._channel.close()

    def _all(self, receive: Any) -> bytes:
        return b"".join(iter(lambda: receive(65536), b""))
