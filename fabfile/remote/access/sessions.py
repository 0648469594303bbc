"""Sessions: several commands at once on one connection, as far as the server's sshd lets them be.

``MaxSessions`` of its sshd_config says how many; 10 is what it comes with. Whoever gets none waits
until another command has ended.
"""

from __future__ import annotations

import threading
import time
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
_open: WeakKeyDictionary[Transport, WeakSet[Channel]] = WeakKeyDictionary()
"""The sessions of each connection."""
_guard = threading.Lock()


def open_session(transport: Transport) -> Channel:
    """Open a session; ChannelException when the server gives none also after the others' end.

    One other is not waited for: the holder of the lock lasts longer than any command.
    """
    began = alone = time.monotonic()
    pause = threading.Event()
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
            pause.wait(AGAIN)
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
