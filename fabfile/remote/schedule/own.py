"""A job of the application's own, as a server runs it."""

from __future__ import annotations

from pathlib import Path

from ...model.own_jobs import OwnJob
from ..deploy.compose import compose_words
from ..host import OVERDUE, Host
from ..output import Output

SCRIPT = Path(__file__).with_suffix(".sh").read_text(encoding="utf-8")
RUNS = 75
"""Exit code of a job that is running already."""
MORE = 60
"""Seconds that making and removing its container may take."""

__all__ = ["OVERDUE", "RUNS", "run"]


def run(host: Host, project: str, job: OwnJob) -> Output:
    """Run it in a one-off container of the stack that is checked out, until it has ended."""
    container = f"{project}-job-{job.name}"
    lock = host.server.root / "locks" / f"job-{job.name}"
    once = ["run", "--rm", "--no-deps", "-T", "--name", container, job.service, *job.command]
    given = [str(lock), container, str(job.deadline)]
    words = ["bash", "-c", SCRIPT, "own-job", *given, *compose_words(host, *once)]
    return host.write(words, timeout=job.deadline + MORE, check=False)
