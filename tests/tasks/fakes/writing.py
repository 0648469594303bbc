"""What the containers of a simulated server have written into their logs."""

from __future__ import annotations

from .commands import Command
from .docking import Handler
from .engine import Ended
from .machine import Machine

NOW = "2026-11-30T12:00:00.000000000Z"


def logs(machine: Machine, command: Command, _stdin: str) -> Ended:
    """Whoever follows gets what is there, and then the engine stops."""
    project, service, tail, since, _until, follow = command.words
    machine.asked_for_logs.append((service, tail, since, bool(follow)))
    out = f"+ {NOW}\n"
    for at, one in enumerate(machine.engine.containers.values()):
        name = one.name.removeprefix(f"{project}-")
        if one.project != project or service not in ("", one.service, name):
            continue
        out += f"= {at} {one.name}\n"
        lines = [line for writer, line in machine.logged if writer == name]
        out += "".join(f"{at} {line}\n" for line in lines)
    if follow and machine.logging_ends:
        machine.logging_ends.pop(0)()
    return Ended(75, out, "the engine tells no more of what it does\n") if follow else Ended(0, out)


LOGS: dict[str, Handler] = {"logs": logs}
