"""The shells of one connection: opened as they are needed, one command at a time in each.

Each takes a session of sshd's and stays for the next command. Where sshd gives few, a command waits
for a shell that is free, and what needs a session of its own gets that of a shell which is idle.

Medians over OpenSSH 9.2 on two busy cores, milliseconds at round trips of 0 and of 100 ms:

============================  =====================  ================
command                       a session of its own   a shell's next
============================  =====================  ================
``true``                      80, 276                12, 130
``bash -c`` and 12 KB         84, 288                19, 138
the look                      515, 877               347, 586
============================  =====================  ================

The first command of a shell goes with the line that starts it, so that it waits as long as one with
a session of its own; but for one that has an input, which waits 100 ms longer.
"""

from __future__ import annotations

import threading

from fabric import Connection
from invoke import Context
from paramiko import Channel

from ..access.sessions import open_session, share
from .duplex import Far, Near
from .shell import NotBegun, Ran, Shell, Told, nobody

MOST = 8
"""Shells at once. sshd gives 10 sessions by default; one is the lock's, one is for bytes."""


class Shells:
    """The shells of a connection, or of this machine."""

    def __init__(self, context: Connection | Context) -> None:
        self._context = context
        self._idle: list[Shell] = []
        self._number = 0
        self._changed = threading.Condition()

    def open_one(self) -> None:
        """Open one for the next command, unless one is idle."""
        if not self._idle:
            self._keep(self._take())

    def run(self, line: str, stdin: bytes, patience: float, told: Told = nobody) -> Ran:
        """Run a line in a shell that is free, as :meth:`Shell.run` does.

        Of those that wait one may have ended meanwhile. It is replaced if the line was surely not
        begun: nothing is ever run twice.
        """
        while True:
            shell = self._take()
            try:
                ran = shell.run(line, stdin, patience, told)
            except NotBegun:
                self._drop(shell)
                if shell.fresh:
                    raise
            except BaseException:
                self._drop(shell)
                raise
            else:
                self._keep(shell)
                return ran

    def give_up(self) -> bool:
        """Close one that is idle, so that its session is free; whether there was one."""
        with self._changed:
            shell = self._idle.pop() if self._idle else None
        if shell:
            self._drop(shell)
        return bool(shell)

    def close(self) -> None:
        """Close those that are idle."""
        while self.give_up():
            pass

    def _take(self) -> Shell:
        with self._changed:
            self._changed.wait_for(lambda: self._idle or self._number < MOST)
            if self._idle:
                return self._idle.pop()
            self._number += 1
        try:
            found = self._open()
        except BaseException:
            self._forget()
            raise
        if isinstance(found, Shell):
            self._forget()
            return found
        return Shell(found)

    def _open(self) -> Shell | Far | Near:
        if not isinstance(self._context, Connection):
            return Near()
        self._context.open()
        share(self._context.transport, self)
        found = open_session(self._context.transport, self._freed)
        return Far(found) if isinstance(found, Channel) else found

    def _freed(self, seconds: float) -> Shell | None:
        """One that has become idle within so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._idle, seconds)
            return self._idle.pop() if self._idle else None

    def _keep(self, shell: Shell) -> None:
        if not isinstance(self._context, Connection):
            # Here there is no way to save, and a command finds our environment as it is now.
            self._drop(shell)
            return
        with self._changed:
            self._idle.append(shell)
            self._changed.notify_all()

    def _drop(self, shell: Shell) -> None:
        shell.close()
        self._forget()

    def _forget(self) -> None:
        with self._changed:
            self._number -= 1
            self._changed.notify_all()
