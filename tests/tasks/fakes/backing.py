"""Backups of the simulated database: a dump is a copy of its tables."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from typing import Any

from fabfile.model.access.verifier import scram

from .commands import Command
from .docking import Handler, call
from .engine import Ended
from .machine import Machine

SIZE = 1000
"""Bytes of a backup for each row, and one more."""
DUMP = 300
"""Bytes of a dump as it streams."""
PAIRS = {
    "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p": "AGE-SECRET-KEY-1RIGHT",
}
"""Public key → private key."""


def backups(machine: Machine, command: Command, _stdin: str) -> Ended:
    lines = [f"now {machine.clock}", f"free {machine.free}"]
    for path, text in sorted(machine.below(command.words[0]).items()):
        name = path.removesuffix(".json")
        if not name.startswith("db_"):
            continue
        lines.append(f"manifest {name} {text.strip()}")
        if name in machine.dumps:
            lines.append(f"file {_size(machine.dumps[name])} {name}")
    return Ended(0, "\n".join(lines) + "\n")


def docker_exec(machine: Machine, command: Command, stdin: str) -> Ended:
    """A query by psql, or a check of a service: its image says how that ends."""
    given = command.words[0] == "--env-file"
    name, program, *_, query = command.words[2 * given :]
    if program == "log-in":
        right = f"PASSWORD={machine.password}" in stdin.splitlines()
        return Ended() if right else Ended(1, "wrong\n", "noise\n")
    if program == "call":
        there = machine.engine.named(name)
        assert there
        return call(machine, there.environment["TOKEN"])
    if query == "SELECT 1":
        assert "-w" in command.words
        said = 'psql: error: connection failed: FATAL:  password authentication failed for "app"\n'
        password = stdin.removeprefix("PGPASSWORD=").removesuffix("\n")
        return Ended() if taken(machine, password) else Ended(2, err=said)
    if program == "check":
        text = machine.engine.text(machine.engine.containers[name].image)
        failed = "NO EVENTS" in text
        return Ended(1, "no event\n") if failed else Ended(0, "events pass\n", "noise\n")
    if query.startswith("DROP DATABASE"):
        machine.note(query)
        machine.databases.pop(query.split('"')[1], None)
        return Ended()
    if "datname" in query:
        return Ended(0, "".join(f"{name}\n" for name in sorted(machine.databases)))
    if query == "SELECT revision":
        none = Ended(1, err="ERROR:  42P01\n")
        return Ended(0, f"{machine.schema}\n") if machine.schema else none
    return Ended(0, f"{len(machine.rows)}\n")


def taken(machine: Machine, password: str) -> bool:
    """Whether the database takes a password: it keeps one, or what it was given for it."""
    kept = machine.password
    if not kept.startswith("SCRAM-SHA-256$"):
        return password == kept
    salt = b64decode(kept.partition(":")[2].partition("$")[0])
    return scram("", password, salt) == kept


def give_password(machine: Machine, _command: Command, stdin: str) -> Ended:
    """What comes before it keeps it out of the log."""
    found = re.fullmatch(
        r"(?:SET \w+ = '[\w-]+';\n){5}ALTER ROLE \"app\" PASSWORD '(.*)';\n", stdin
    )
    assert found
    machine.password = found[1]
    return Ended()


def backup(machine: Machine, command: Command, _stdin: str) -> Ended:
    folder, name, container, *_ = command.words
    about = command.words[9]
    running = machine.engine.containers.get(container)
    if running is None or running.state != "running":
        return Ended(76, err=f"container {container} is not running\n")
    rows = machine.instants.get(container, machine.rows)
    machine.dumps[name] = dict(rows)
    manifest = {
        "about": json.loads(about),
        "bytes": _size(rows),
        "sha256": "ab" * 32,
        "milliseconds": 1500,
        "answered": "cd" * 32,
        "content": answers(rows, machine.schema),
        "rights": [{"right": {"role": "reader"}}],
    }
    machine.files[f"{folder}/{name}.json"] = json.dumps(manifest)
    return Ended(0, json.dumps(manifest) + "\n")


def verify(machine: Machine, command: Command, stdin: str) -> Ended:
    name = command.words[7]
    assert stdin == '[{"right": {"role": "reader"}}]\n'
    manifest = json.loads(machine.files[f"{command.words[0]}/{name}.json"])
    revision = manifest["content"][0]["revision"]
    return Ended(
        0, "".join(f"{json.dumps(line)}\n" for line in answers(machine.dumps[name], revision))
    )


def load(machine: Machine, command: Command, _stdin: str) -> Ended:
    file, _, _, _, database, *_ = command.words
    name = file.rpartition("/")[2]
    machine.databases[database] = dict(machine.dumps[name])
    revision = json.loads(machine.files[f"{file}.json"])["content"][0]["revision"]
    lines = answers(machine.dumps[name], revision)
    return Ended(0, "".join(f"{json.dumps(line)}\n" for line in lines))


def swap(machine: Machine, command: Command, _stdin: str) -> Ended:
    live, aside, incoming = command.words[2:5]
    if aside:
        machine.databases[aside] = machine.databases.pop(live)
    machine.databases[live] = machine.databases.pop(incoming)
    if command.words[11:]:
        machine.note(f"  {' '.join(command.words[-2:])}")
    return Ended()


def remove_backups(machine: Machine, command: Command, _stdin: str) -> Ended:
    folder, *names = command.words
    for name in names:
        del machine.files[f"{folder}/{name}.json"], machine.dumps[name]
    return Ended()


def send(machine: Machine, command: Command, _stdin: str) -> Ended:
    file, _, recipient = command.words
    text = json.dumps(machine.dumps[file.rpartition("/")[2]]).ljust(DUMP)
    return Ended(0, f"for {recipient}: {text}" if recipient else text)


def receive(machine: Machine, command: Command, stdin: str) -> Ended:
    folder, name, *_ = command.words
    manifest, _, rest = stdin.partition("\n")
    identity, _, data = rest.partition("copy:\n")
    if data.startswith("for "):
        recipient, _, data = data.removeprefix("for ").partition(": ")
        if identity.strip() != PAIRS[recipient]:
            return Ended(77, err="the identity does not open it: another private key does\n")
    if len(data) != DUMP or data[-1] != " ":
        return Ended(65, err="what came is not what was written: its digest is another one\n")
    machine.dumps[name] = json.loads(data)
    machine.files[f"{folder}/{name}.json"] = manifest
    return Ended()


def answers(rows: dict[str, int], revision: str) -> list[dict[str, Any]]:
    """What content.sql answers."""
    known: dict[str, Any] = {"revision": revision, "version": "16.10", "encoding": "UTF8"}
    known |= {"collate": "C", "ctype": "C", "bytes": 8_000_000, "structure": "5f"}
    known |= {"constraints": 1, "indexes": 1}
    tables = [{"table": name, "rows": n, "digest": f"{n}"} for name, n in sorted(rows.items())]
    return [known, *tables]


def _size(rows: dict[str, int]) -> int:
    return SIZE * (1 + sum(rows.values()))


BACKUPS: dict[str, Handler] = {
    "backups": backups,
    "backup": backup,
    "docker exec": docker_exec,
    "give-password": give_password,
    "verify": verify,
    "load": load,
    "swap": swap,
    "send": send,
    "receive": receive,
    "remove-backups": remove_backups,
}
