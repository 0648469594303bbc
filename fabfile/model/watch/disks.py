"""What takes room on the disks of a server."""

from __future__ import annotations

from dataclasses import dataclass

from .meters import objects, shown, size


@dataclass(frozen=True)
class Kept:
    """Something that takes room on a server's disks."""

    what: str
    """``images``, ``containers``, ``volumes``, ``build cache``, or a folder."""
    bytes: int
    reclaimable: int
    """Bytes of it that nothing needs."""
    by: str
    """The command that frees them; empty: none of ours."""
    total: int = 0
    """Of a disk: its bytes; else 0."""

    @property
    def row(self) -> tuple[str, ...]:
        """A row of a table."""
        free = shown(self.reclaimable) if self.reclaimable else ""
        of = f" / {shown(self.total)}, {self.bytes * 100 // self.total}%" if self.total else ""
        return (self.what, f"{shown(self.bytes)}{of}", free, self.by if self.reclaimable else "")


KEPT = ("what", "size", "reclaimable", "by")
NAMES = {
    "Images": "images",
    "Containers": "containers",
    "Local Volumes": "volumes",
    "Build Cache": "build cache",
}
"""How ``docker system df`` calls them → how we do."""


def kept(name: str, df: str, folders: str, disks: str) -> list[Kept]:
    """What ``docker system df``, ``du`` and ``df -PB1`` of a server say, the disks first.

    Not all that the engine calls reclaimable goes: an image that a release needs stays.
    """
    prune = f"fab {name}.prune"
    by = {"images": prune, "build cache": prune}
    rows = dict.fromkeys(tuple(line.split()) for line in disks.splitlines())
    found = [
        Kept(f"disk {at}", int(used), 0, "", int(total))
        for _, total, used, _, _, at in (row for row in rows if len(row) == 6)
    ]
    for one in objects(df):
        what = NAMES.get(str(one.get("Type")), str(one.get("Type")))
        found.append(
            Kept(
                what,
                size(str(one.get("Size"))),
                size(str(one.get("Reclaimable"))),
                by.get(what, ""),
            )
        )
    for line in folders.splitlines():
        count, _, path = line.partition("\t")
        if count.isdigit():
            found.append(Kept(path, int(count), 0, ""))
    return found
