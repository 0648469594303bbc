"""A program that is told something and heard on both its outputs at once, here or over SSH."""

from __future__ import annotations

import os
import select
import subprocess
import threading
from contextlib import suppress
from typing import Protocol
from weakref import finalize

from paramiko import Channel

CHUNK = 1 << 16
"""Bytes that are read at a time."""
TAKEN = 30
"""Seconds within which the other end must take what it is told."""


class Duplex(Protocol):
    """A program. OSError: it, or the connection, is gone; TimeoutError: it is mute."""

    def begin(self, line: str) -> None:
        """Let it run this line; once, and before anything else."""

    def write(self, data: bytes) -> None:
        """Tell it something; an error means that it does not get all of that."""

    def no_more(self) -> None:
        """It is told nothing more."""

    def hear(self, patience: float) -> tuple[bytes, bytes]:
        """Some of its output and of its errors, either may be empty.

        EOFError: it has ended, and all that it printed was heard.
        """

    def code(self, patience: float) -> int:
        """Its exit code, once it has ended; negative: a signal ended it, or nobody says."""

    def close(self) -> None:
        """Let go of it, whether it has ended or not."""


class Near:
    """On this machine. Ctrl-C is not for it, as it is not for what runs at another one."""

    _end: finalize[..., Near] | None = None

    def begin(self, line: str) -> None:
        """See :class:`Duplex`."""
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            ["bash", "-c", line],
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            bufsize=0,
            start_new_session=True,
        )
        assert self._process.stdin
        assert self._process.stdout
        assert self._process.stderr
        self._stdin = self._process.stdin
        self._outputs = (self._process.stdout, self._process.stderr)
        # Of a running process that nobody has any more the language would keep the pipes open.
        self._end = finalize(self, _ended, self._process)
        self._open = [output.fileno() for output in self._outputs]
        self._poll = select.poll()
        for output in self._open:
            self._poll.register(output, select.POLLIN)

    def write(self, data: bytes) -> None:
        """See :class:`Duplex`."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._stdin.write(rest) or 0 :]

    def no_more(self) -> None:
        """See :class:`Duplex`."""
        self._stdin.close()

    def hear(self, patience: float) -> tuple[bytes, bytes]:
        """See :class:`Duplex`."""
        if not self._open:
            raise EOFError
        ready = [output for output, _ in self._poll.poll(patience * 1000)]
        if not ready:
            raise TimeoutError
        heard = {output: os.read(output, CHUNK) for output in ready}
        for output in [output for output, data in heard.items() if not data]:
            self._poll.unregister(output)
            self._open.remove(output)
        out, errors = (heard.get(output.fileno(), b"") for output in self._outputs)
        return out, errors

    def code(self, patience: float) -> int:
        """See :class:`Duplex`."""
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(patience)
        return -1

    def close(self) -> None:
        """See :class:`Duplex`."""
        if self._end:
            self._end()


def _ended(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout, process.stderr):
        assert stream
        stream.close()
    # What it runs goes on, as on a server whose connection ends.
    process.kill()
    process.wait()


class Far:
    """At the other end of an SSH connection."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        # Not the descriptor that a channel gives for both its buffers: that loses what comes to one
        # while the other is emptied.
        self._bell = threading.Event()
        for buffer in (channel.in_buffer, channel.in_stderr_buffer):
            buffer.set_event(self._bell)
        channel.settimeout(TAKEN)

    def begin(self, line: str) -> None:
        """See :class:`Duplex`."""
        self._channel.exec_command(line)

    def write(self, data: bytes) -> None:
        """See :class:`Duplex`."""
        self._channel.sendall(data)

    def no_more(self) -> None:
        """See :class:`Duplex`."""
        self._channel.shutdown_write()

    def hear(self, patience: float) -> tuple[bytes, bytes]:
        """See :class:`Duplex`."""
        channel = self._channel
        while True:
            self._bell.clear()  # before looking; a buffer that is emptied clears it too
            ended, gone = channel.eof_received, channel.closed
            out = channel.recv(CHUNK) if channel.recv_ready() else b""
            errors = channel.recv_stderr(CHUNK) if channel.recv_stderr_ready() else b""
            if out or errors:
                return out, errors
            if ended:
                raise EOFError
            if gone:
                raise ConnectionError("it was cut")
            if not self._bell.wait(patience):
                raise TimeoutError

    def code(self, patience: float) -> int:
        """See :class:`Duplex`."""
        self._channel.status_event.wait(patience)
        return int(self._channel.exit_status)

    def close(self) -> None:
        """See :class:`Duplex`."""
        self._channel.close()
