"""The crontab of a simulated server, and the environment of its jobs."""

from __future__ import annotations

import base64
import json

from fabfile import ns
from fabfile.remote.schedule.crontab import ENVIRONMENT

from .commands import Command
from .docking import Handler
from .engine import Ended
from .machine import CHECKOUT, Machine


def crontab(machine: Machine, _command: Command, _stdin: str) -> Ended:
    if "crontab" in machine.missing_programs:
        return Ended(127, err="bash: line 3: crontab: command not found\n")
    if machine.crontab is None:
        return Ended(1, err=f"no crontab for {machine.user}\n")
    return Ended(0, encoded(machine.crontab))


def change_crontab(machine: Machine, _command: Command, stdin: str) -> Ended:
    expected, wanted = stdin.splitlines()
    if expected != encoded(machine.crontab or ""):
        return Ended(75)
    machine.crontab = base64.b64decode(wanted).decode() if wanted else None
    return Ended()


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def find_python(machine: Machine, _command: Command, _stdin: str) -> Ended:
    return Ended(1 if "python3" in machine.missing_programs else 0)


def environment(machine: Machine, command: Command, _stdin: str) -> Ended:
    """What ``environment.sh`` does."""
    (program,) = command.words
    assert machine.files[program] == ENVIRONMENT
    checkout = machine.content(CHECKOUT)
    wanted = checkout.get("requirements-deploy.txt") or checkout["requirements.txt"]
    if machine.environment == wanted:
        return Ended(0, "environment: ready\n")
    machine.environment = wanted
    return Ended(0, "environment: making it\n")


def env(machine: Machine, command: Command, _stdin: str) -> Ended:
    """The list of the tasks, as the collection itself prints it."""
    assert command.words[-2:] == ("--list", "--list-format=json")
    assert machine.environment
    collections = [
        {"name": name, "tasks": [{"name": task} for task in below.tasks], "collections": []}
        for name, below in ns.collections.items()
    ]
    return Ended(0, json.dumps({"name": "fabfile", "tasks": [], "collections": collections}))


def touch(machine: Machine, command: Command, _stdin: str) -> Ended:
    for path in command.words:
        machine.stamps[path.rpartition("/")[2]] = (machine.clock, "")
    return Ended()


def own_job(machine: Machine, _command: Command, _stdin: str) -> Ended:
    return machine.own_job


SCHEDULE: dict[str, Handler] = {
    "crontab": crontab,
    "change-crontab": change_crontab,
    "find-python": find_python,
    "environment": environment,
    "env": env,
    "touch": touch,
    "own-job": own_job,
}
