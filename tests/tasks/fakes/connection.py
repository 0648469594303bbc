"""The simulated connection: what Fabric gives for a line, with the promise of one that runs on."""

from __future__ import annotations

import io
from contextlib import suppress
from threading import Event
from typing import Any

from invoke import Context

from fabfile.remote.commands.shell import Ran, Told, nobody
from fabfile.remote.commands.shells import Shells
from fabfile.remote.wire import WIRE

from .commands import command, mark, split, understand
from .engine import Ended
from .handlers import execute
from .machine import ROOT, Machine


class Simulated(Shells):
    """Shells of a simulated server."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(Context())
        self._connection = connection

    def run(self, line: str, stdin: bytes, patience: float, told: Told = nobody) -> Ran:
        assert patience
        ended = execute(self._connection.machine, line, stdin.decode())
        for text in ended.out.splitlines():
            told(text)
        return Ran(ended.code, ended.out.encode(), ended.err.encode())


class Connection:
    """Stands for ``fabric.Connection``: a login shell on a simulated server."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.closed = False

    @property
    def transport(self) -> Channel:
        """Opens the channels through which bytes stream."""
        return Channel(self.machine)

    def run(self, line: str, *, in_stream: Any, **how: Any) -> Any:
        """Take the lock, which alone runs beside other commands."""
        assert hasattr(in_stream, "read"), "our stdin would be mirrored"
        assert how["warn"] is True
        assert how["encoding"] == WIRE
        assert how["asynchronous"]
        return Holding(self.machine, line, in_stream, how["out_stream"])

    def create_session(self) -> Session:
        """As many as are asked for."""
        return Session()

    def close(self) -> None:
        """The connection is not used any more."""
        self.closed = True


class Session:
    """One that nothing is asked of."""

    def close(self) -> None:
        """It is not used."""


class Channel:
    """Stands for ``paramiko.Channel`` and for the transport that opens it."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._line = ""
        self._given = b""
        self._ended: Ended | None = None
        self._out = io.BytesIO()
        self._err = io.BytesIO()
        self.status_event = Event()

    def open_session(self) -> Channel:
        return self

    def settimeout(self, seconds: float) -> None:
        assert seconds

    def exec_command(self, line: str) -> None:
        self._line = line
        if line.endswith("</dev/null") or " leash " in line:
            self.shutdown_write()

    def sendall(self, data: bytes) -> None:
        if self._machine.deaf and len(self._given) > self._machine.deaf:
            self.shutdown_write()
            raise OSError("Socket is closed")
        self._given += data

    def shutdown_write(self) -> None:
        """The end of its input: now it runs."""
        if self._ended is None:
            self._ended = execute(self._machine, command(self._line), self._given.decode())
            self._out = io.BytesIO(f"{mark(self._line)}{self._ended.out}".encode())
            self._err = io.BytesIO(f"{mark(self._line)}{self._ended.err}".encode())
            self.status_event.set()

    def recv(self, size: int) -> bytes:
        if self._machine.dropped:
            return b""
        if self._machine.cut_after and self._out.tell() >= self._machine.cut_after:
            raise TimeoutError
        return self._out.read(min(size, 100))

    def recv_stderr(self, size: int) -> bytes:
        return self._err.read(size)

    @property
    def exit_status(self) -> int:
        assert self._ended
        return -1 if self._machine.dropped else self._ended.code

    def close(self) -> None:
        """It is not used any more."""
        self._machine.pipes_closed += 1


class Holding:
    """The promise of the shell that holds the lock, and its runner."""

    def __init__(self, machine: Machine, line: str, said: Any, heard: Any) -> None:
        self._machine = machine
        self._said = said
        words = split(command(line))
        machine.transcript.append(words)
        machine.trips += 1
        _, _, self._who, _, token, though_frozen = understand(words).words
        self._place = "locks" if f"{ROOT}/locks" in machine.folders else "nearest"
        self._code = self._refusal(bool(though_frozen))
        self.process_is_finished = self._code != 0
        self.runner = self
        if not self._code:
            machine.locks[self._place] = self._who
            in_turn = self._place == "locks"
            machine.turn = token if in_turn else machine.turn
            heard.write(f"{mark(line)}LOCKED{' in turn' if in_turn else ''}\n")

    def _refusal(self, though_frozen: bool) -> int:
        if self._place in self._machine.locks:
            return 75
        if f"{ROOT}/locks/frozen" in self._machine.files and not though_frozen:
            return 77
        return 76 if self._machine.lingering else 0

    def returncode(self) -> int:
        """Why it does not get the lock."""
        return self._code

    def join(self) -> None:
        """Wait for its end: it hears the rest of what is said and frees the lock."""
        while text := self._said.read(1):
            told = text.encode(WIRE).decode()
            self._machine.announced += [told[4:].strip()] if told.startswith("step") else []
        if not self.process_is_finished:
            if self._place == "locks":
                self._machine.turn = ""
            with suppress(KeyError):
                del self._machine.locks[self._place]
