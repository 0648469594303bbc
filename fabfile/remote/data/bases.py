"""Base backups on a server, and the way from one of them to an instant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from ...model.data.backup import RESERVE
from ...model.data.base import Base, Bases, parse_base, parse_bases
from ...model.errors import Trouble
from ..host import Host
from .postgres import CAUSE, LONGEST, Postgres, trouble

THROWAWAY = "instant"
"""Purpose of what a base is brought to an instant in."""
SPREAD = 8
"""Times the size of its file that a base may take unpacked."""
BASES = Path(__file__).with_name("bases.sh").read_text(encoding="utf-8")
BASE, RECOVER = (
    CAUSE + Path(__file__).with_name(name).read_text(encoding="utf-8")
    for name in ("base.sh", "replay.sh")
)
FORGET = """
docker ps -aq --filter "label=$1" | xargs -r docker rm -f -v
docker volume ls -q --filter "label=$1" | xargs -r docker volume rm -f
"""


@dataclass(frozen=True)
class Receiver:
    """The container that receives the log of a database, and the folder in it."""

    container: str
    folder: str


def shelf(host: Host) -> Bases:
    """The base backups that stand on the server."""
    return parse_bases(host.read(["bash", "-c", BASES, "bases", str(_folder(host))]).stdout)


def take(host: Host, receiver: Receiver, base: Base, expected: int) -> Base:
    """Copy the cluster into the base's file, its manifest beside it; a failure leaves nothing."""
    words = ["bash", "-c", BASE, "base", str(_folder(host)), base.name, receiver.container]
    words += [host.server.compression, str(expected), str(RESERVE), "0", base.about]
    output = host.write(words, timeout=LONGEST, check=False)
    made = parse_base(output.stdout.strip()) if output.ok else None
    if made is None:
        raise trouble(host, "no base was made", output)
    return made


@contextmanager
def brought_to(
    host: Host, postgres: Postgres, receiver: Receiver, base: Base, instant: int
) -> Iterator[Postgres]:
    """The database as of an instant, in a throwaway container that is removed at the end."""
    words = ["bash", "-c", RECOVER, "recover", str(_folder(host)), base.name, base.sha256]
    words += [
        postgres.image,
        host.throwaway(THROWAWAY),
        str(LONGEST),
        str(base.bytes * SPREAD + RESERVE),
    ]
    words += [postgres.user, str(instant), receiver.container, receiver.folder]
    output = host.write(words, timeout=LONGEST, check=False)
    try:
        if not output.ok:
            raise trouble(host, "the database cannot be brought to that instant", output)
        yield replace(postgres, container=output.stdout.strip())
    finally:
        with suppress(Trouble):
            host.write(["bash", "-c", FORGET, "forget", host.throwaway(THROWAWAY)], check=False)


def remove(host: Host, receiver: Receiver, names: list[str], needed: str) -> None:
    """Remove bases, manifests first, and the log before the segment that the others need."""
    script = """
set -eu
cd "$1"
receiver=$2 folder=$3 needed=$4
shift 4
exec 9<.
flock --nonblock 9 || { echo 'a backup or a check is running' >&2; exit 75; }
for name in "$@"; do rm -f "$name.json" "$name"; done
docker exec -u postgres "$receiver" pg_archivecleanup "$folder" "$needed" </dev/null
"""
    words = ["bash", "-c", script, "remove-bases", str(_folder(host)), receiver.container]
    output = host.write([*words, receiver.folder, needed, *names], check=False)
    if not output.ok:
        raise trouble(host, "the log was not shortened", output)


def _folder(host: Host) -> PurePosixPath:
    return host.server.root / "backups"
