"""What a database holds, and whether what came back is what was dumped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from . import manifest


@dataclass(frozen=True)
class Content:
    """What a database held, as ``remote/data/content.sql`` asks it."""

    version: str
    """Version of the server."""
    encoding: str
    collate: str
    ctype: str
    bytes: int
    """Size of the database on disk."""
    structure: str
    """Digest of its relations, columns, constraints, indexes, triggers and functions."""
    constraints: int
    indexes: int
    revision: str
    """Revision of the schema; empty when it has none."""
    tables: Mapping[str, tuple[int, str]]
    """Table → its number of rows and the digest of all of them."""
    session: Mapping[str, Any] = field(default_factory=dict)
    """Settings that a session had there and a restore needs; ``search_path`` is a list."""
    locale: Mapping[str, Any] = field(default_factory=dict)
    """Its ``provider`` and what that is told; empty: the C library's, by collate and ctype."""

    @property
    def rows(self) -> int:
        """The rows of all tables."""
        return sum(rows for rows, _ in self.tables.values())

    @property
    def empty(self) -> bool:
        """Whether there is nothing to lose."""
        return not self.tables


def parse_content(answers: Iterable[Mapping[str, Any]]) -> Content:
    """Put the answers of ``remote/data/content.sql`` together; :data:`manifest.WRONG` otherwise."""
    known: dict[str, Any] = {"revision": ""}
    tables: dict[str, tuple[int, str]] = {}
    for answer in answers:
        if "table" in answer:
            rows = manifest.natural(answer["rows"])
            tables[manifest.text(answer["table"])] = (rows, manifest.text(answer["digest"]))
        else:
            known.update(answer)
    return Content(
        version=manifest.text(known["version"]),
        encoding=manifest.text(known["encoding"]),
        collate=manifest.text(known["collate"]),
        ctype=manifest.text(known["ctype"]),
        bytes=manifest.natural(known["bytes"]),
        structure=manifest.text(known["structure"]),
        constraints=manifest.natural(known["constraints"]),
        indexes=manifest.natural(known["indexes"]),
        revision=manifest.text(known["revision"] or ""),
        tables=tables,
        session=dict(known.get("session", {})),
        locale=dict(known.get("locale", {})),
    )


def answers(content: Content) -> list[dict[str, Any]]:
    """The answers again, as :func:`parse_content` reads them."""
    plain = asdict(content)
    tables = plain.pop("tables")
    rows = [{"table": name, "rows": n, "digest": digest} for name, (n, digest) in tables.items()]
    return [plain, *rows]


def differences(dumped: Content, restored: Content) -> list[str]:
    """What came back differently, a line each; empty: everything is equal."""
    found = []
    if dumped.revision != restored.revision:
        found.append(f"schema revision {restored.revision or 'none'}, not {dumped.revision}")
    for what in ("constraints", "indexes"):
        before, after = getattr(dumped, what), getattr(restored, what)
        if before != after:
            found.append(f"{after} {what}, not {before}")
    for name, (rows, digest) in sorted(dumped.tables.items()):
        if name not in restored.tables:
            found.append(f"table {name} is missing")
            continue
        there, other = restored.tables[name]
        if there != rows:
            found.append(f"table {name} has {there} rows, not {rows}")
        elif other != digest:
            found.append(f"table {name} holds other rows")
    found += [f"table {name} is new" for name in sorted(restored.tables.keys() - dumped.tables)]
    if not found and dumped.structure != restored.structure:
        found.append("its structure differs")
    return found
