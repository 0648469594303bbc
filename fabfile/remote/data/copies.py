"""Copies of backups on their way: from a server's file into a stream, and back into its folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BufferedReader
from itertools import chain
from pathlib import Path

from ...model.data.backup import RESERVE, Backup
from ...model.data.offsite import Copy
from ..host import Host
from .postgres import CAUSE, LONGEST, trouble

SEND, RECEIVE = (
    CAUSE + Path(__file__).with_name(name).read_text(encoding="utf-8")
    for name in ("send.sh", "receive.sh")
)


@contextmanager
def sent(host: Host, backup: Backup, recipient: str) -> Iterator[BufferedReader]:
    """A backup's bytes, encrypted on the server where there is a recipient.

    Reading raises Trouble (exit code 1) when the file is not what was written.
    """
    file = host.server.root / "backups" / backup.name
    words = ["bash", "-c", SEND, "send", str(file), backup.sha256, recipient]
    with host.stream(
        words, timeout=LONGEST, failed=lambda output: trouble(host, backup.name, output)
    ) as stream:
        yield stream


def receive(host: Host, copy: Copy, identity: str, chunks: Iterable[bytes]) -> None:
    """Put a copy's bytes and its manifest into the folder of backups; nothing is left of a failure.

    Exit code 2 when it was not tried (disk, another one running) or the identity does not open it.
    """
    backup = copy.backup
    words = ["bash", "-c", RECEIVE, "receive", str(host.server.root / "backups"), backup.name]
    words += [backup.sha256, str(backup.bytes + RESERVE)]
    key = f"{identity.strip()}\n" if identity else ""
    head = f"{backup.to_manifest()}\n{key}copy:\n".encode()
    output = host.pour(words, chain([head], chunks), timeout=LONGEST)
    if not output.ok:
        raise trouble(host, f"{backup.name} did not come back", output)
