"""Names that come from outside, and what each may look like.

A name in a manifest, a key in a bucket or a word of the command line becomes part of a path, or
the name of a database. What does not match is not read any further. Plain ASCII, without a slash
and without a dash in front.
"""

from __future__ import annotations

import re

from .errors import refused

_STAMP = r"[0-9]{8}T[0-9]{6}Zb{0,9}"
_PACKED = r"\.(?:zst|gz)"
BACKUP = re.compile(rf"db_{_STAMP}\.dump{_PACKED}")
SQL_BACKUP = re.compile(rf"db_{_STAMP}\.sql{_PACKED}")
"""Backups of before the custom format, which nothing restores any more (docs/backup.md)."""
BASE = re.compile(rf"base_{_STAMP}\.tar{_PACKED}")
VOLUME = re.compile(rf"volume_([A-Za-z0-9][A-Za-z0-9_.-]*)_{_STAMP}\.tar{_PACKED}")
SEGMENT = re.compile(r"[0-9A-F]{24}")
"""A file of PostgreSQL's write-ahead log."""
SERVER = re.compile(r"[a-z][a-z0-9-]*")
DOMAIN = re.compile(
    r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+"
    r"(?:[a-z]{2,63}|xn--[a-z0-9-]{0,58}[a-z0-9])"
)
"""A domain name in small letters, of other alphabets in punycode."""
SHA256 = re.compile(r"[0-9a-f]{64}")
RECIPIENT = re.compile(r"age1[02-9ac-hj-np-z]{58}")
DATABASE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
"""Never connection text: psql takes a value with ``=`` or ``://`` for that."""
LONGEST = 63
"""Bytes of a name in PostgreSQL; it cuts a longer one off without an error."""


def database(what: str, name: str, longest: int = LONGEST) -> str:
    """The name of a database or a role of it; exit code 2 when it is none. ``what`` has it."""
    if not DATABASE.fullmatch(name) or len(name) > longest:
        raise refused(
            f"{what}: '{name}' is not a name here: a letter or _ first, then A-Z a-z 0-9 _ -,"
            f" at most {longest}"
        )
    return name
