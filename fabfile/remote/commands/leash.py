"""What runs on a server only while somebody is there: signs of life, and what ends without them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from paramiko import SSHException

BEAT = 4.0
"""Seconds between two signs of life."""
PATIENCE = 15
"""Seconds without one after which the server takes whoever gave them for gone."""
LEASH = """
exec 3<&0 </dev/null
{
  while read -r -t "$1" -u 3; do :; done
  kill 0
} >/dev/null 2>&1 &
shift
exec "$@" 3<&-
"""
"""It ends its whole process group, which is the one of the deadline around it: a program may have
started others, and an idle one learns from nobody that it is not read any more."""


def leashed(words: Sequence[str]) -> list[str]:
    """The command, without input, which ends as soon as :func:`beating` does."""
    return ["bash", "-c", LEASH, "leash", str(PATIENCE), *words]


@contextmanager
def beating(write: Callable[[bytes], None]) -> Iterator[None]:
    """Give signs of life to a command's input, from a thread of their own, until this ends."""
    over = threading.Event()

    def beat() -> None:
        with suppress(SSHException, OSError, EOFError):  # it has ended: its exit code tells why
            while not over.wait(BEAT):
                write(b"\n")

    beats = threading.Thread(target=beat, daemon=True)
    beats.start()
    try:
        yield
    finally:
        over.set()
        beats.join(BEAT)
