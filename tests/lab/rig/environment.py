"""The ``.env`` of each server, filled from ``.env.example`` with secrets of this lab's own.

The example is read here once more, in a few lines, so that a lab comes up beside a broken fabfile.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping

from .docker import LabError
from .place import Place

SMALL: Mapping[str, str] = {
    # Limits for two servers on one small machine.
    "RESOLVER_CPUS": "1.0",
    "RESOLVER_MEMORY": "1G",
    "RESOLVER_RESERVED_CPUS": "0.1",
    "RESOLVER_RESERVED_MEMORY": "64M",
    # Containers that stay up at once or never are not worth a longer watch.
    "UPDATE_MONITOR": "1s",
    # The page asks where it came from: through the lab's door it has another name.
    "API_URL": "/",
}

OWN = ("S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY", "BACKUP_SIGNING_KEY")
"""Secrets that nobody requires, of which a lab has some of its own all the same."""


def has_example(place: Place) -> bool:
    """Whether the checkout says what belongs into an ``.env``."""
    return (place.root / ".env.example").exists()


def fill(place: Place, server: str, known: Mapping[str, str | None]) -> str:
    """The text of a server's ``.env``; in ``known`` None leaves a key out.

    Raises LabError for a required key that is neither a secret nor known here.
    """
    values: dict[str, str | None] = {}
    for key, default, marks in _example((place.root / ".env.example").read_text()):
        owners = [mark.removeprefix("@server=") for mark in marks if mark.startswith("@server=")]
        if owners and server not in owners[0].split(","):
            continue
        values[key] = secret(place, key) if key in OWN else SMALL.get(key, default)
        if "@required" in marks and not default and key not in known:
            if "@secret" not in marks:
                raise LabError(f".env.example wants {key}, for which the lab has no value")
            values[key] = secret(place, key)
    values.update(known)
    return "".join(f"{key}={value}\n" for key, value in values.items() if value is not None)


def _example(text: str) -> Iterator[tuple[str, str, set[str]]]:
    """Every key with its default and the marks in the comment lines above it."""
    marks: set[str] = set()
    for line in text.splitlines():
        if line.startswith("#"):
            marks.update(re.findall(r"(?<!\S)@\S+", line))
            continue
        key, equals, value = line.partition("=")
        if equals:
            yield key.strip(), value.strip(), marks
        marks = set()


def secret(place: Place, key: str) -> str:
    """The lab's secret for a key: the same on every server and as long as the lab lives."""
    file = place.folder / "secrets.json"
    kept: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    if key not in kept:
        kept[key] = secrets.token_hex(32)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            json.dump(kept, out, indent=1)
    return kept[key]
