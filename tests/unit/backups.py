"""Backups as values, for the tests of the model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fabfile.model.data.backup import Backup
from fabfile.model.data.database import Content

CONTENT = Content(
    version="16.10",
    encoding="UTF8",
    collate="C.UTF-8",
    ctype="C.UTF-8",
    bytes=8_000_000,
    structure="5f",
    constraints=3,
    indexes=4,
    revision="007",
    tables={"public.users": (3, "-17"), "public.items": (0, "0")},
    session={"search_path": ["kept", "public"], "lc_monetary": "C"},
    locale={"provider": "icu", "name": "de"},
)
MONDAY = 1_800_230_400 - 1_800_230_400 % 86400
"""A midnight."""


def backup(number: int, **changes: Any) -> Backup:
    """The backup of the ``number``-th day, verified an hour later."""
    taken = MONDAY + number * 86400
    plain = Backup(
        name=f"db_{20270000 + number}T000000Z.dump.zst",
        number=number,
        taken=taken,
        server="ubuntu",
        database="app",
        reason="by hand",
        commit="0" * 40,
        release="r1",
        who="somebody",
        bytes=1000,
        sha256="ab" * 32,
        seconds=1.5,
        content=CONTENT,
        answered="cd" * 32,
        rights=({"right": {"role": "reader"}},),
        verified=taken + 3600,
    )
    return replace(plain, **changes)
