"""docs/cron.md: every job with its time and place."""

from __future__ import annotations

from fabfile.model.schedule.jobs import BEGIN, DAY, END, JOBS, WEEK
from fabfile.remote.schedule.crontab import JOB

from .tables import DOCS, tables

PAGE = (DOCS / "cron.md").read_text()
PLACES = {
    "the stack has a database": "database",
    "the stack receives the log of its database": "archive",
    "the server has domains": "domains",
    "the stack is to be healed": "heal",
}


def test_every_job_is_told() -> None:
    (rows,) = tables("cron.md")["What the servers do by themselves"]
    told = [(task, when, PLACES[place]) for task, when, place in rows]
    assert told == [(job.task, job.when, job.needs) for job in JOBS]


def test_marks_and_bounds_are_those_of_the_code() -> None:
    assert f"`{BEGIN}` and `{END}`" in PAGE
    assert f"for {DAY // 3600} hours (a weekly one: {WEEK // 86400} days)" in PAGE
    assert ("longest=21600 " in JOB, "six hours at most" in PAGE) == (True, True)
    assert ("largest=1048576 " in JOB, "beyond 1 MiB" in PAGE) == (True, True)
