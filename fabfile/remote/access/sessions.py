"""Sessions: several commands at once on one connection, as far as the server's sshd lets them be.

``MaxSessions`` of its sshd_config says how many; 10 is what it comes with. Whoever gets none waits
until another command has ended.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol, TypeVar
from weakref import WeakKeyDictionary, WeakSet

from paramiko import Channel, SSHException, Transport
from paramiko.common import OPEN_FAILED_CONNECT_FAILED
from paramiko.ssh_exception import ChannelException

LONGEST = 180
"""Seconds that a command may wait for the others of its connection."""
ALONE = 5
"""Seconds until sshd must have given up a session that has ended here."""
AGAIN = 0.2
"""Seconds between two tries."""
TOO_FEW = (
    "sshd gives no further session on this connection;"
    " MaxSessions in its sshd_config must be 2 or more (10 without that line)"
)
T = TypeVar("T")


class Sharer(Protocol):
    """Who keeps sessions open that nothing runs in."""

    def give_up(self) -> bool:
        """Close one of them; whether there was one."""


_open: WeakKeyDictionary[Transport, WeakSet[Channel]] = WeakKeyDictionary()
"""The sessions of each connection."""
_sharers: WeakKeyDictionary[Transport, WeakSet[Sharer]] = WeakKeyDictionary()
_guard = threading.Lock()


def share(transport: Transport, sharer: Sharer) -> None:
    """Whoever needs a session of this connection may have one of the sharer's."""
    with _guard:
        _sharers.setdefault(transport, WeakSet()).add(sharer)


def session_of(transport: Transport) -> Channel:
    """Open a session, in place of one that is idle if need be; errors: :func:`open_session`."""

    def meanwhile(seconds: float) -> None:
        with _guard:
            sharers = list(_sharers.get(transport, ()))
        any(sharer.give_up() for sharer in sharers)
        threading.Event().wait(seconds)

    return open_session(transport, meanwhile)


def open_session(transport: Transport, meanwhile: Callable[[float], T | None]) -> Channel | T:
    """Open a session; ChannelException when the server gives none also after the others' end.

    ``meanwhile`` passes the seconds until the next try, and may have something else instead.
    One other is not waited for: the holder of the lock lasts longer than any command.
    """
    began = alone = time.monotonic()
    while True:
        try:
            channel = transport.open_session()
        except SSHException as error:
            if not _is_refusal(error):
                raise
            now = time.monotonic()
            alone = now if _others(transport) > 1 else alone
            if now - began > LONGEST or now - alone > ALONE:
                raise ChannelException(OPEN_FAILED_CONNECT_FAILED, "no session") from None
            if (instead := meanwhile(AGAIN)) is not None:
                return instead
            continue
        with _guard:
            _open.setdefault(transport, WeakSet()).add(channel)
        return channel


def _is_refusal(error: SSHException) -> bool:
    """Of two that are refused at once, Paramiko tells only one by its own exception."""
    return isinstance(error, ChannelException) or str(error) == "Unable to open channel."


def _others(transport: Transport) -> int:
    with _guard:
        return sum(not channel.closed for channel in _open.get(transport, ()))
