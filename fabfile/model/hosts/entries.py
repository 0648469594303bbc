"""The lines of ``hosts.ini``: sections, keys and values, each with the number of its line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..names import SERVER
from .sections import SECTION, TASKS
from .values import PARSERS


@dataclass(frozen=True)
class Value:
    """What stands behind a key, and in which line."""

    text: str
    line: int


@dataclass(frozen=True)
class Section:
    """The line of a section's name, and its values by key."""

    line: int
    values: dict[str, Value]


def sections_of(text: str, file: Path, problems: list[str]) -> dict[str, Section]:
    """The sections by name; each line that is none of a section or a value joins ``problems``."""
    sections: dict[str, Section] = {}
    current: Section | None = None
    for number, raw in enumerate(text.split("\n"), start=1):
        line = raw.strip()
        where = f"{file}:{number}"
        if not line or line[0] in "#;":
            continue
        if header := SECTION.fullmatch(line):
            name = header.group(1).strip()
            current = Section(number, {})
            if name in sections:
                problems.append(f"{where}: section [{name}] stands twice")
            elif name in TASKS:
                problems.append(f"{where}: [{name}] has the name of a task: name it otherwise")
            elif not SERVER.fullmatch(name):
                problems.append(f"{where}: '{name}' is not the name of a server (a-z, 0-9, -)")
            else:
                sections[name] = current
        elif current is None:
            problems.append(f"{where}: '{line}' stands before any [section]")
        else:
            _assignment(line, number, where, current, problems)
    return sections


def _assignment(line: str, number: int, where: str, section: Section, problems: list[str]) -> None:
    key, equals, value = (part.strip() for part in line.partition("="))
    if not equals:
        problems.append(f"{where}: neither [section] nor key = value: '{line}'")
    elif key == "watch":
        problems.append(f"{where}: 'watch' is x-deploy.SERVICE.update.monitor of the compose file")
    elif key not in PARSERS:
        problems.append(f"{where}: unknown key '{key}'; known: {', '.join(PARSERS)}")
    elif key in section.values:
        problems.append(f"{where}: '{key}' stands twice in this section")
    elif not value:
        problems.append(f"{where}: '{key}' has no value")
    else:
        section.values[key] = Value(value, number)
