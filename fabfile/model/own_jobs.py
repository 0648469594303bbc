"""``x-deploy.jobs``: what an application wants done now and then, in a container of its own."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from .crontime import wrong
from .errors import Trouble, refused
from .nearest import meant
from .typed import seconds

KEY = "jobs"
"""Where they stand under ``x-deploy``, unless a service is called so."""
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
KEYS = frozenset({"service", "schedule", "command", "deadline"})
HOUR = 3600
LONGEST = 6 * HOUR
"""Most seconds of a deadline: what ``remote/schedule/job.sh`` gives any job."""


@dataclass(frozen=True)
class OwnJob:
    """A job of the application's own."""

    name: str
    service: str
    """Whose container it is started like."""
    schedule: str
    """Cron's five fields."""
    command: tuple[str, ...]
    deadline: int = HOUR
    """Seconds after which it is ended, and has failed."""


def parse_jobs(raw: object, services: Collection[str]) -> tuple[OwnJob, ...]:
    """Read them; exit code 2 for what is not understood, with its place."""
    if raw is None:
        return ()
    if not isinstance(raw, Mapping):
        raise refused(f"x-deploy.{KEY}: not a mapping of names to jobs")
    return tuple(_job(str(name), one, services) for name, one in raw.items())


def known_jobs(raw: object, services: Collection[str]) -> tuple[OwnJob, ...]:
    """Those that are understood here, of a release that another collection deployed."""
    found: list[OwnJob] = []
    for name, one in raw.items() if isinstance(raw, Mapping) else ():
        try:
            found += parse_jobs({name: one}, services)
        except Trouble:
            continue
    return tuple(found)


def _job(name: str, raw: object, services: Collection[str]) -> OwnJob:
    where = f"x-deploy.{KEY}.{name}"
    if not NAME.fullmatch(name):
        raise refused(f"{where}: no name of a job: a-z 0-9 _ -, at most 40")
    if not isinstance(raw, Mapping):
        raise refused(f"{where}: not a mapping of keys to values")
    if unknown := sorted(set(raw) - KEYS):
        raise refused(
            f"{where}: unknown key {', '.join(unknown)}; known: {', '.join(sorted(KEYS))}"
        )
    if missing := sorted(KEYS - {"deadline"} - set(raw)):
        raise refused(f"{where}: {', '.join(missing)} is missing")
    service, schedule = str(raw["service"]), str(raw["schedule"])
    if service not in services:
        near = meant(service, sorted(services))
        raise refused(f"{where}.service: no service '{service}' in the stack{near}")
    if why := wrong(schedule):
        raise refused(f"{where}.schedule: {schedule!r}: {why}")
    return OwnJob(name, service, schedule, _words(where, raw["command"]), _deadline(where, raw))


def _words(where: str, raw: Any) -> tuple[str, ...]:
    if isinstance(raw, list) and raw and all(isinstance(one, str | int | float) for one in raw):
        return tuple(str(one).replace("$$", "$") for one in raw)
    raise refused(f"{where}.command: {raw!r} is no list of words, such as [python, -m, app.tidy]")


def _deadline(where: str, raw: Mapping[str, Any]) -> int:
    if "deadline" not in raw:
        return HOUR
    found = seconds(f"{where}.deadline", str(raw["deadline"]))
    if 0 < found <= LONGEST:
        return found
    raise refused(f"{where}.deadline: {raw['deadline']!r} is not between 1s and 6h")
