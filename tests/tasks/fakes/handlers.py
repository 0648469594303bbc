"""What each kind of command does to a simulated server."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from .authorities import AUTHORITIES
from .backing import BACKUPS
from .balancing import BALANCING
from .basing import BASES
from .bootstrapping import BARE
from .building import BUILDING
from .certificates import self_made
from .commands import Command, split, turn, understand
from .crontabs import SCHEDULE
from .curling import curl
from .docking import ENGINE, Handler
from .engine import Ended
from .keeping import VOLUMES
from .looking import glance, look
from .machine import CHECKOUT, ROOT, Killed, Machine
from .settings import SETTINGS
from .writing import LOGS, aware


def execute(machine: Machine, line: str, stdin: str) -> Ended:
    """Run a line as a shell would."""
    if any(one.plug_pulled for one in machine.network.values()):
        raise Killed
    words = split(line)
    machine.trips += 1
    if words[3:4] == ("together",):
        return _together(machine, words[4:], stdin)
    return _one(machine, line, words, stdin)


def _together(machine: Machine, words: Sequence[str], stdin: str) -> Ended:
    mark, goes_on, *pairs = words
    given, out, errors = stdin.encode(), "", ""
    for size, line in zip(pairs[::2], pairs[1::2], strict=True):
        own, given = given[: int(size)], given[int(size) :]
        ended = _one(machine, line, split(line), own.decode())
        out += f"{ended.out}\n{mark} {ended.code}\n"
        errors += f"{ended.err}\n{mark}\n"
        if ended.code and not goes_on:
            break
    return Ended(0, out, errors)


def _one(machine: Machine, line: str, words: tuple[str, ...], stdin: str) -> Ended:
    machine.transcript.append(words)
    machine.inputs.append(stdin)
    command = understand(words)
    if command.kind == "remove" and (there := machine.engine.named(command.words[0])):
        command = replace(command, words=(there.name,))  # a transcript tells no id
    if (token := turn(line)) and token != machine.turn:
        return Ended(79, err=f"{token} is over\n")
    if not command.looks:
        # One only waits, the other is for whoever holds the lock.
        in_turn = token == machine.turn or command.kind in ("watch", "end-canary")
        assert in_turn, f"changed under the lock, but in no turn: {command}"
        machine.note(str(command))
    for fault in list(machine.faults):
        if fault.times and re.search(fault.pattern, str(command)):
            fault.times -= 1
            fault.first()
            if fault.raises:
                raise fault.raises()
            if not fault.goes_on:
                return fault.ended
    handler = HANDLERS.get(command.kind)
    assert handler, f"the simulated server does not know: {' '.join(words)[:120]}"
    return handler(machine, command, stdin)


def which(machine: Machine, command: Command, _stdin: str) -> Ended:
    there = [word for word in command.words if word not in machine.missing_programs]
    return Ended(0, "".join(f"/usr/bin/{word}\n" for word in there))


def ports(machine: Machine, _command: Command, stdin: str) -> Ended:
    """Those of running containers take a connection, but for those that are called deaf."""
    live = {
        one.address
        for one in machine.engine.containers.values()
        if one.state == "running" and one.service != "deaf"
    }
    asked = (line.split() for line in stdin.splitlines())
    return Ended(out="".join(f"{name}\n" for name, address, _ in asked if address in live))


def make_folders(machine: Machine, command: Command, _stdin: str) -> Ended:
    at = command.words.index("volumes")
    machine.folders |= {*command.words[1:at:2], *command.words[at + 1 :]}
    machine.modes |= dict(zip(command.words[1:at:2], command.words[0:at:2], strict=True))
    return Ended()


def make_env(machine: Machine, command: Command, _stdin: str) -> Ended:
    checkout, stacks = command.words
    assert f"{checkout}/.env" not in machine.files
    machine.files[f"{checkout}/.env"] = f"COMPOSE_FILE={stacks}\n"
    return Ended()


def guard(machine: Machine, command: Command, _stdin: str) -> Ended:
    rules = f"{command.words[0]}-guard"
    closed = [
        f"closed={rules}|{line.partition('|')[2]}"
        for line in machine.reach.splitlines()
        if line.startswith(f"subnet={command.words[0]}|")
    ]
    machine.reach += "\n".join([f"hook={rules}", *closed]) + "\n"
    return Ended()


def run(machine: Machine, command: Command, _stdin: str) -> Ended:
    """What a line of the shell prints is the line; one that begins with ``exit`` fails."""
    line = command.words[-1]
    code = int(line.removeprefix("exit ")) if line.startswith("exit ") else 0
    shown = machine.env if line == "cat .env" else line
    return aware(machine, command, f"{shown}\n", code, "" if not code else "it failed\n")


def put(machine: Machine, command: Command, stdin: str) -> Ended:
    machine.files[command.words[0]] = stdin
    return Ended()


def cat(machine: Machine, command: Command, _stdin: str) -> Ended:
    if command.words[0].endswith("locks/holder"):
        return Ended(0, machine.locks.get("locks", ""))
    if command.words[0].endswith("locks/died") and machine.lingering:
        return Ended(0, machine.lingering)
    text = machine.files.get(command.words[0])
    return Ended(1, err="No such file or directory") if text is None else Ended(0, text)


def died(machine: Machine, command: Command, _stdin: str) -> Ended:
    return Ended(0, machine.files.get(command.words[0], ""))


def rm(machine: Machine, command: Command, _stdin: str) -> Ended:
    machine.files.pop(command.words[-1], None)
    return Ended()


def make_certificate(machine: Machine, command: Command, _stdin: str) -> Ended:
    folder, name, alternatives, _days = command.words
    domains = tuple(one.partition(":")[2] for one in alternatives.split(","))
    machine.files[f"{folder}/fullchain.pem"] = self_made(f"{machine.name} {name}", domains)
    machine.files[f"{folder}/privkey.pem"] = "key\n"
    return Ended()


def keep_certificate(machine: Machine, command: Command, _stdin: str) -> Ended:
    for name in ("fullchain.pem", "privkey.pem"):
        path = f"{command.words[0]}/{name}"
        machine.files[f"{path}.before"] = machine.files[path]
    return Ended()


def put_back_certificate(machine: Machine, command: Command, _stdin: str) -> Ended:
    for path in [path for path in machine.files if path.endswith(".pem.before")]:
        machine.files[path.removesuffix(".before")] = machine.files.pop(path)
    return Ended()


def forget_certificate(machine: Machine, command: Command, _stdin: str) -> Ended:
    for path in [path for path in machine.files if path.endswith(".pem.before")]:
        del machine.files[path]
    return Ended()


def trust(machine: Machine, command: Command, stdin: str) -> Ended:
    machine.files[f"{command.words[0]}/peer.pem"] = stdin
    machine.files[f"{command.words[0]}/ca-bundle.pem"] = f"authorities\n{stdin}"
    return Ended()


def keep_env(machine: Machine, command: Command, _stdin: str) -> Ended:
    checkout, folder, own, *needed = command.words
    for name in machine.below(folder):
        release, _, file = name.partition("/")
        if file == "env" and release not in needed:
            del machine.files[f"{folder}/{name}"]
    machine.files[f"{folder}/{own}/env"] = machine.files[f"{checkout}/.env"]
    return Ended()


def restore_env(machine: Machine, command: Command, _stdin: str) -> Ended:
    checkout, folder = command.words
    if f"{folder}/env" not in machine.files:
        return Ended(1, err=f"cp: cannot stat '{folder}/env': No such file or directory")
    machine.files[f"{checkout}/.env"] = machine.files[f"{folder}/env"]
    return Ended()


# --- git


def fetch(machine: Machine, command: Command, _stdin: str) -> Ended:
    wanted = command.words[2]
    if wanted not in machine.commits:
        if not machine.origin.reachable:
            return Ended(128, err="fatal: unable to connect to origin")
        machine.commits |= {commit.id: commit for commit in machine.origin.commits}
    machine.folders.add(f"{CHECKOUT}/.git")
    return Ended() if wanted in machine.commits else Ended(1)


def worktree(machine: Machine, command: Command, _stdin: str) -> Ended:
    _, folder, commit = command.words
    machine.worktrees[folder] = commit
    return Ended()


def remove_worktree(machine: Machine, command: Command, _stdin: str) -> Ended:
    machine.worktrees.pop(command.words[1], None)
    _remove(machine, f"{command.words[1]}.")
    if command.words[2]:
        _remove(machine, f"{ROOT}/build/")
    return Ended()


def _remove(machine: Machine, beginning: str) -> None:
    for path in [path for path in machine.files if path.startswith(beginning)]:
        del machine.files[path]


def between(machine: Machine, command: Command, _stdin: str) -> Ended:
    _, old, new, _ = command.words
    sides = [machine.origin.history(machine.commits[one]) for one in (old, new)]
    lines = [f"<{one.id} {one.subject}\n" for one in sides[0] if one not in sides[1]]
    lines += [f">{one.id} {one.subject}\n" for one in sides[1] if one not in sides[0]]
    return Ended(0, "".join(lines))


def prune_worktrees(machine: Machine, command: Command, _stdin: str) -> Ended:
    machine.worktrees.clear()
    _remove(machine, f"{command.words[1]}/")
    return Ended()


def checkout(machine: Machine, command: Command, _stdin: str) -> Ended:
    _, commit, folder, _ = command.words
    kept = "edited.patch\n" if machine.edited else ""
    if machine.edited:
        machine.files[f"{folder}/edited.patch"] = "\n".join(machine.edited)
    machine.edited = {}
    machine.meanwhile = False
    machine.head = commit
    return Ended(out=kept)


HANDLERS: dict[str, Handler] = {
    "look": look,
    "glance": glance,
    "run": run,
    "which": which,
    "ports": ports,
    "curl": curl,
    "make-folders": make_folders,
    "make-env": make_env,
    "guard": guard,
    "put": put,
    "cat": cat,
    "died": died,
    "rm": rm,
    "make-certificate": make_certificate,
    "keep-certificate": keep_certificate,
    "put-back-certificate": put_back_certificate,
    "forget-certificate": forget_certificate,
    "trust": trust,
    "keep-env": keep_env,
    "restore-env": restore_env,
    "fetch": fetch,
    "worktree": worktree,
    "remove-worktree": remove_worktree,
    "prune-worktrees": prune_worktrees,
    "between": between,
    "trim-cache": lambda _machine, _command, _stdin: Ended(),
    "checkout": checkout,
    **AUTHORITIES,
    **ENGINE,
    **BACKUPS,
    **BARE,
    **BALANCING,
    **BASES,
    **BUILDING,
    **LOGS,
    **SCHEDULE,
    **SETTINGS,
    **VOLUMES,
}
