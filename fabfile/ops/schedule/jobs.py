"""What cron starts on a server, as the commands tell it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ...model.facts import Facts
from ...model.inventory import Server
from ...model.schedule.jobs import NO_DAEMON
from ...remote.schedule.crontab import log


def view(server: Server, facts: Facts) -> list[dict[str, Any]]:
    """The jobs of a server, as the stable JSON of ``docs/json.md``."""
    return [
        {
            "task": job.task,
            "when": job.when,
            "since": job.since,
            "succeeded": job.succeeded,
            "failed": job.failed,
            "why": job.why,
            "late": job.late(facts.now),
            "log": str(log(server, job.task)),
        }
        for job in facts.jobs
    ]


def unstarted(facts: Facts) -> str:
    """Why cron starts none of the server's jobs; empty: it does, or has none."""
    return NO_DAEMON if facts.jobs and facts.cron == "no" else ""


def missed(facts: Facts) -> list[str]:
    """What keeps cron from starting what was installed."""
    none = unstarted(facts)
    differ = [f"job {job.task}: {job.late(facts.now)}" for job in facts.jobs if job.differs]
    return [none, *differ] if none else differ


def told(job: Mapping[str, Any]) -> str:
    """A job and its last success in a few words."""
    return f"{job['task']} {day(job['succeeded'])}"


def day(seconds: int) -> str:
    """A time as a person reads it."""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds)) if seconds else "never"
