"""What is done with the .env of a simulated server by the tasks of its settings."""

from __future__ import annotations

import hashlib
import json
import posixpath

from .commands import Command
from .composing import Refused, read_env, resolve
from .engine import Ended
from .machine import CHECKOUT, Machine

FORMER = f"{CHECKOUT}/.env.former-"


def check(machine: Machine, command: Command, stdin: str) -> Ended:
    _, _reading, _folder, stack, size = command.words
    assert len(stdin.encode()) == int(size)
    if "docker" in machine.missing_programs:
        return Ended()
    values = {key: value.replace("$", "$$") for key, value in read_env(stdin).items()}
    read = json.dumps({"services": {"reading": {"environment": values}}})
    return Ended(0, f"{read}\0{_refusal(machine, stack, stdin)}")


def _refusal(machine: Machine, stack: str, env: str) -> str:
    folder, name = posixpath.split(stack)
    text = machine.content(folder).get(name)
    try:
        resolve(text or '{"services": {}}', read_env(env), folder)
    except Refused as refused:
        return f"{refused}\n"
    return ""


def probe(machine: Machine, command: Command, stdin: str) -> Ended:
    _, folder, stack, env, size = command.words
    assert len(stdin.encode()) == int(size)
    text = machine.content(folder)[posixpath.basename(stack)]
    before = machine.files[env]
    models = [resolve(text, read_env(given), folder).raw for given in (before, before + stdin)]
    return Ended(0, "\0".join(map(json.dumps, models)))


def replace(machine: Machine, command: Command, stdin: str) -> Ended:
    _, env, size = command.words
    seen, _, text = stdin.partition("\n")
    assert len(text.encode()) == int(size)
    before = machine.files.get(env)
    there = "none" if before is None else hashlib.sha256(before.encode()).hexdigest()
    if seen != there:
        return Ended(75)
    if before is not None:
        machine.files[f"{FORMER}{machine.clock}"] = before
    machine.files[env] = text
    return Ended()


def journal(machine: Machine, command: Command, stdin: str) -> Ended:
    folder, seconds, _ = command.words
    if folder in machine.folders or posixpath.dirname(folder) in machine.bare.folders:
        entry = {"at": machine.clock - int(seconds), **json.loads(stdin)}
        path = f"{folder}/journal"
        machine.files[path] = f"{machine.files.get(path, '')}{json.dumps(entry)}\n"
    return Ended()


def read_journal(machine: Machine, command: Command, _stdin: str) -> Ended:
    (folder,) = command.words
    names = ("env.log", "journal.1", "journal")
    return Ended(0, "".join(machine.files.get(f"{folder}/{name}", "") for name in names))


def told(machine: Machine, command: Command, stdin: str) -> Ended:
    folder, family = command.words
    path = f"{folder}/told"
    there = machine.files.get(path, "").splitlines()
    had = [line.partition(" ")[2] for line in there if line.startswith(f"{family} ")]
    wanted = stdin.splitlines()
    others = [line for line in there if not line.startswith(f"{family} ")]
    machine.files[path] = "".join(
        f"{line}\n" for line in [*others, *(f"{family} {name}" for name in wanted)]
    )
    news = [f"new {name}" for name in wanted if name not in had]
    news += [f"over {name}" for name in had if name not in wanted]
    return Ended(0, "".join(f"{line}\n" for line in news))


SETTINGS = {
    "told": told,
    "check-settings": check,
    "probe-settings": probe,
    "replace-settings": replace,
    "journal": journal,
    "journal-read": read_journal,
}
