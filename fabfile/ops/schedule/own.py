"""Jobs of the application's own: run one of the release that runs, now."""

from __future__ import annotations

from collections.abc import Sequence

from ...model.errors import Trouble, refused
from ...model.framing import lines_of
from ...model.nearest import meant
from ...model.own_jobs import OwnJob
from ...remote.schedule import own as remote
from ..session import Session, side_by_side
from ..sight import DEPLOYED, Sight, look_at
from .crontab import meant_by


def run(session: Session, on: str, group: str, job: str) -> None:
    """Run it to its end and show what it printed: on one server, or on those that have it."""
    names = meant_by(session, on, group)
    sights = side_by_side(lambda name: look_at(session, name, DEPLOYED), names)
    found = {name: _job(sight, job) for name, sight in sights.items()}
    wanted = {name: one for name, one in found.items() if one}
    if not wanted:
        there = [one.name for sight in sights.values() for one in _jobs(sight)]
        told = f"jobs: {', '.join(there)}{meant(job, there)}" if there else "it has none"
        raise refused(f"no job '{job}' in the stack that is deployed; {told}")
    side_by_side(lambda name: _run(session, sights[name], wanted[name]), [*wanted])


def _jobs(sight: Sight) -> Sequence[OwnJob]:
    return (sight.target or sight.require()).stack.jobs


def _job(sight: Sight, name: str) -> OwnJob | None:
    return next((one for one in _jobs(sight) if one.name == name), None)


def _run(session: Session, sight: Sight, job: OwnJob) -> None:
    name = sight.server.name
    target = sight.target or sight.require()
    output = remote.run(sight.host, target.stack.project, job)
    if output.code == remote.RUNS:
        raise refused(f"{name}: job {job.name} runs already; nothing was done")
    for line in (*lines_of(output.stdout), *lines_of(output.stderr)):
        session.console.line(name, line)
    if output.code == remote.OVERDUE:
        raise Trouble(f"{name}: job {job.name} did not end within {job.deadline} s; it was ended")
    if not output.ok:
        raise Trouble(
            f"{name}: job {job.name} failed with exit code {output.code}", evidence=output.tail()
        )
