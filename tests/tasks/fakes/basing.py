"""Base backups of the simulated database: a copy of its tables, and no log in between."""

from __future__ import annotations

import json

from .commands import Command
from .docking import Handler
from .engine import Container, Ended
from .machine import Machine

SIZE = 5000
THROWAWAY = "throwaway"


def bases(machine: Machine, command: Command, _stdin: str) -> Ended:
    lines = [f"now {machine.clock}"]
    for path, text in sorted(machine.below(command.words[0]).items()):
        if path.startswith("base_"):
            lines.append(f"base {SIZE} {path.removesuffix('.json')} {text.strip()}")
    return Ended(0, "\n".join(lines) + "\n")


def base(machine: Machine, command: Command, _stdin: str) -> Ended:
    folder, name = command.words[:2]
    machine.dumps[name] = dict(machine.rows)
    number = json.loads(command.words[7])["number"]
    manifest = {
        "about": json.loads(command.words[7]),
        "bytes": SIZE,
        "sha256": "ab" * 32,
        "ended": machine.clock + 1,
        "segment": f"{number:024}",
    }
    machine.files[f"{folder}/{name}.json"] = json.dumps(manifest)
    return Ended(0, json.dumps(manifest) + "\n")


def recover(machine: Machine, command: Command, _stdin: str) -> Ended:
    machine.instants[THROWAWAY] = machine.dumps[command.words[1]]
    machine.engine.containers[THROWAWAY] = Container(THROWAWAY, "db:1")
    return Ended(0, f"{THROWAWAY}\n")


def forget(machine: Machine, _command: Command, _stdin: str) -> Ended:
    machine.instants.clear()
    machine.engine.containers.pop(THROWAWAY, None)
    return Ended()


def remove_bases(machine: Machine, command: Command, _stdin: str) -> Ended:
    folder, _, _, needed, *names = command.words
    for name in names:
        del machine.files[f"{folder}/{name}.json"], machine.dumps[name]
    machine.note(f"  the log before {needed.lstrip('0')}")
    return Ended()


BASES: dict[str, Handler] = {
    "bases": bases,
    "base": base,
    "recover": recover,
    "forget": forget,
    "remove-bases": remove_bases,
}
