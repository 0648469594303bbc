"""What the scripts that tell the proxy something do to a simulated server."""

from __future__ import annotations

from collections.abc import Sequence

from .commands import Command, understand
from .composing import Refused
from .docking import Handler, compose_up
from .engine import Ended
from .machine import Machine
from .proxy import refusal

NOT_LOADED, UNHEALTHY = 70, 71
OWN = 10
"""Words that every one of these scripts is given, before its own."""


def _write(machine: Machine, command: Command) -> None:
    folder, _, generation, epoch, missing, _pins, reach, allow, believed, _ = command.words[:OWN]
    lines = [
        f'location = /{name} {{ return 200 "{value}\\n"; }}'
        for name, value in (("generation", generation), ("epoch", f"{epoch}in"))
    ]
    for line in reach.splitlines():
        name, _, url = line.partition(" ")
        if name not in missing.split():
            lines.append(f"location = /reach/{name} {{ proxy_pass {url}; }}")
    machine.files[f"{folder}/generation.conf"] = "\n".join(lines) + "\n"
    machine.files[f"{folder}/real-ip.conf"] = believed
    if allow:
        machine.files[f"{folder}/allow.conf"] = f"{allow}\n"


def _load(machine: Machine, command: Command) -> Ended:
    container = machine.engine.containers.get(command.words[OWN - 1])
    if container is None:
        return Ended(NOT_LOADED, err="No such container\nnginx does not load what was written")
    names = {c.service for c in machine.engine.containers.values() if c.state == "running"}
    left_out = command.words[4].split()
    refused = refusal(machine.configuration(), {*names, *left_out})
    if refused or "NEVER LOADED" in machine.configuration():
        return Ended(NOT_LOADED, err=f"{refused}\nnginx does not load what was written")
    _write(machine, command)
    machine.start_proxy(container)
    return Ended()


def _up(machine: Machine, words: Sequence[str]) -> Ended:
    try:
        ended = compose_up(machine, understand(tuple(words)), "")
    except Refused as refused:
        return Ended(UNHEALTHY, err=str(refused))
    return Ended(UNHEALTHY, err=ended.err) if ended.code else ended


def stage(_machine: Machine, _command: Command, _stdin: str) -> Ended:
    return Ended()


def load(machine: Machine, command: Command, _stdin: str) -> Ended:
    return _load(machine, command)


def start(machine: Machine, command: Command, _stdin: str) -> Ended:
    _write(machine, command)
    service, force = command.words[OWN], command.words[OWN + 3]
    flags = ["--force-recreate"] if force else []
    ended = _up(machine, [*command.words[OWN + 4 :], "up", *flags, service])
    if ended.code == 0 and "NEVER LOADED" in machine.configuration():
        return Ended(NOT_LOADED, err="app-proxy does not answer what it was told")
    return ended


def roll(machine: Machine, command: Command, _stdin: str) -> Ended:
    service, force = command.words[OWN], command.words[OWN + 7]
    flags = ["--force-recreate"] if force else []
    ended = _up(machine, [*command.words[OWN + 9 :], "up", *flags, service])
    return _load(machine, command) if ended.code == 0 and command.words[OWN - 1] else ended


def purge(machine: Machine, command: Command, stdin: str) -> Ended:
    """The CDN takes one token only."""
    good = 'header = "Authorization: Bearer right-token"' in stdin
    return Ended() if good else Ended(22, err="curl: (22) The requested URL returned error: 403")


BALANCING: dict[str, Handler] = {
    "stage-proxy": stage,
    "load-proxy": load,
    "leave-proxy": stage,
    "idle": stage,
    "start-proxy": start,
    "roll": roll,
    "purge-cdn": purge,
}
