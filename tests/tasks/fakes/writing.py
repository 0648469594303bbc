"""What the containers of a simulated server have written, what they use, what became of them."""

from __future__ import annotations

import json

from .application import ENV_EXAMPLE
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


def aware(machine: Machine, command: Command, said: str, code: int = 0, err: str = "") -> Ended:
    """The settings of the server, and behind them what the command itself says."""
    mark = command.words[1]
    env = f"\n{mark} example\n{ENV_EXAMPLE}\n{mark} env\n{machine.env}"
    return Ended(code, f"{env}\n{mark} said\n{said}", err)


def know(machine: Machine, command: Command, _stdin: str) -> Ended:
    return aware(machine, command, "")


def top(machine: Machine, command: Command, _stdin: str) -> Ended:
    return aware(
        machine,
        command,
        "app-db 7 70 0.5 2048 90061 postgres\napp-api-1 9 root 12.5 1024 59 python 3\n",
    )


def measure(machine: Machine, command: Command, _stdin: str) -> Ended:
    """Of the folder that is named, or of the containers and networks."""
    if command.words[2:]:
        return aware(machine, command, DISK)
    return aware(machine, command, STATS if machine.measures == "stats" else NETWORK)


def events(machine: Machine, command: Command, _stdin: str) -> Ended:
    since, follow = command.words
    machine.asked_for_logs.append(("events", "", since, bool(follow)))
    out = f"+ {NOW}\n" + "".join(f"{json.dumps(one)}\n" for one in machine.happened)
    if follow and machine.logging_ends:
        machine.logging_ends.pop(0)()
    return Ended(1, out) if follow else Ended(0, out)


USED = {
    "ID": "1f", "Name": "app-api-1", "CPUPerc": "12.50%", "MemUsage": "64MiB / 512MiB",
    "NetIO": "1.5kB / 2MB", "BlockIO": "0B / 3.1MB", "PIDs": "5",
}  # fmt: skip
NOTHING = {**USED, **dict.fromkeys(USED, "--"), "ID": "2e", "Name": "app-db"}
STATS = f"""\
1f 2 536870912 true
--
{json.dumps(USED)}
{json.dumps(NOTHING)}
"""
DISK = """\
{"Type":"Images","Size":"301.3MB","Reclaimable":"268.3MB (89%)"}
{"Type":"Build Cache","Size":"0B","Reclaimable":"0B"}
--
4096\t/opt/app/data
--
/dev/vda1 1000 250 750 25% /
/dev/vda1 1000 250 750 25% /
"""
PROXY = {"Name": "app-proxy", "IPv4Address": "172.20.0.3/16"}
CONFIG = {"Config": [{"Subnet": "172.20.0.0/16"}]}
PORTS = {
    "80/tcp": [{"HostIp": "", "HostPort": "80"}],
    "53/udp": [{"HostIp": "127.0.0.1", "HostPort": "5353"}],
    "9/tcp": None,
}
NETWORK = f"""\
{json.dumps({"Name": "app_default", "IPAM": CONFIG, "Containers": {"1f": PROXY}})}
{json.dumps({"Name": "bridge", "IPAM": {"Config": None}, "Containers": {}})}
{json.dumps({"Name": "lonely", "IPAM": {}, "Containers": None})}
--
app-proxy {json.dumps(PORTS)}
"""
LOGS: dict[str, Handler] = {
    "know": know,
    "logs": logs,
    "top": top,
    "measure": measure,
    "events": events,
}
