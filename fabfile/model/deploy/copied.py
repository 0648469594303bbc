"""What compose copies into a container as it starts it: configs and secrets that are no files.

A container that the engine starts for us gets it from us.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence

from ..reading import load
from ..stack import Read, Service
from .plan import Target

COPIED = ("content", "environment")


def copies(service: Service, target: Target) -> bytes:
    """A tar of them, from ``/``; empty: there are none. It may hold secrets."""
    texts = [text for _, text in load(target.beside.get(service.name, "[]"))]
    found = [
        # Compose doubles every $ of what it prints.
        (read, text.replace("$$", "$") if read.kind == "content" else text)
        for read, text in zip(service.reads, texts, strict=True)
        if read.kind in COPIED
    ]
    return _archive(found) if found else b""


def _archive(files: Sequence[tuple[Read, str]]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for read, text in files:
            content = text.encode()
            entry = tarfile.TarInfo(read.target.lstrip("/"))
            entry.size, entry.mode = len(content), read.mode
            entry.uid, entry.gid = read.owner
            archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()
