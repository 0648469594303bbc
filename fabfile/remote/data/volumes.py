"""Volumes on a server: their files into an archive and back, through a throwaway container."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...model.data.backup import RESERVE
from ...model.data.volume import VolumeBackup, VolumeShelf, parse_volume, parse_volumes
from ...model.errors import STRANDED, Trouble
from ...model.hints import Volume
from ..host import Host
from .postgres import CAUSE, LONGEST, trouble

PATIENCE = 180
"""Seconds within which services must be healthy again."""
STUCK = 71
"""Exit code of ``refill.sh``: neither the backup's nor the former files are in place."""
THROWAWAY = "volume"
TAKE, REFILL = (
    CAUSE + Path(__file__).with_name(name).read_text(encoding="utf-8")
    for name in ("volume.sh", "refill.sh")
)
SHELF = """
date +%s
cd "$1" 2>/dev/null || exit 0
for file in volume_*.json; do
  case $file in *[!A-Za-z0-9_.-]*) continue ;; esac
  [ -f "${file%.json}" ] && printf '%s %s\\n' "${file%.json}" "$(tr -d '\\n' <"$file")"
done
:
"""


@dataclass(frozen=True)
class Shared:
    """A volume as containers have it; ``containers``: all that do, the first is read."""

    hint: Volume
    image: str
    """Id of the image that the first runs."""
    containers: tuple[str, ...]


def shelf(host: Host) -> VolumeShelf:
    """The backups of volumes that stand on the server."""
    return parse_volumes(host.read(["bash", "-c", SHELF, "volumes", str(_folder(host))]).stdout)


def take(host: Host, shared: Shared, backup: VolumeBackup) -> VolumeBackup:
    """Pack the volume's files; a failure leaves nothing behind."""
    words = ["bash", "-c", TAKE, "volume", str(_folder(host)), backup.name, shared.containers[0]]
    words += [
        shared.image,
        shared.hint.path,
        host.throwaway(THROWAWAY),
        host.server.compression,
        str(RESERVE),
    ]
    words += ["yes" if shared.hint.stopped else "no", backup.about, *shared.hint.dump]
    output = host.write(words, timeout=LONGEST, check=False)
    made = parse_volume(output.stdout.strip()) if output.ok else None
    if made is None:
        raise trouble(host, "no backup was made", output)
    return made


def put(host: Host, shared: Shared, backup: VolumeBackup) -> None:
    """Put a backup's files in place; what was there stays aside. Else all is as it was, or 3."""
    _refill(host, shared, "put", backup, "the backup was not restored")


def put_back(host: Host, shared: Shared, backup: VolumeBackup) -> None:
    """The files that are aside are in place again."""
    _refill(host, shared, "back", backup, "the former files are not back")


def forget(host: Host, shared: Shared, backup: VolumeBackup) -> None:
    """Remove the files that are aside."""
    _refill(host, shared, "keep", backup, "the former files are still there")


def _refill(host: Host, shared: Shared, mode: str, backup: VolumeBackup, what: str) -> None:
    words = ["bash", "-c", REFILL, "refill", mode, str(_folder(host) / backup.name), backup.sha256]
    words += [
        str(backup.unpacked + RESERVE),
        shared.image,
        shared.hint.path,
        host.throwaway(THROWAWAY),
    ]
    words += [str(PATIENCE), *shared.containers]
    output = host.write(words, timeout=LONGEST, check=False)
    if output.ok:
        return
    found = trouble(host, what, output)
    if output.code == STUCK:
        found = Trouble(found.message, code=STRANDED, evidence=found.evidence)
    raise found


def _folder(host: Host) -> PurePosixPath:
    return host.server.root / "backups"
