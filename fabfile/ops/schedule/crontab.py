"""Schedule: have cron start tasks on the servers themselves, and see how they ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...model.errors import Trouble, refused
from ...model.schedule import jobs as model
from ...model.schedule.jobs import Job
from ...remote.host import Host
from ...remote.lock import Lock
from ...remote.look import look
from ...remote.schedule import crontab as remote
from ..locking import holder
from ..session import Session, side_by_side
from ..sight import DEPLOYED, Sight, look_at
from .jobs import day, missed, view

TRIES = 10
"""How often a crontab is read anew that somebody else changes meanwhile."""


def install(session: Session, on: str, group: str, mailto: str) -> None:
    """Install the jobs of a server, or of every server that has some."""
    if mailto and not model.ADDRESSES.fullmatch(mailto):
        raise refused(f"--mailto '{mailto}' is no mail address")
    names = meant_by(session, on, group)
    sights = side_by_side(lambda name: look_at(session, name, DEPLOYED), names)
    jobs = {name: _due(sight) for name, sight in sights.items()}
    for name, found in jobs.items():
        if not found:
            session.console.line(name, "nothing to schedule: no database, no domains, no jobs")
    wanted = [name for name, found in jobs.items() if found]
    if not wanted:
        raise refused(f"{', '.join(names)}: nothing to schedule")
    side_by_side(lambda name: _install(session, sights[name], jobs[name], mailto), wanted)


def meant_by(session: Session, on: str, group: str) -> list[str]:
    """One server, those of a group, or all."""
    if on and group:
        raise refused("--on and --group: one of them says which servers are meant")
    return [session.inventory.server(on).name] if on else session.inventory.names_of(group)


def _due(sight: Sight) -> tuple[Job, ...]:
    """The jobs of a server; exit code 2 unless what is deployed there can run them."""
    name, commit = sight.server.name, sight.facts.commit
    if sight.target is None or not sight.deployed or commit is None:
        why = "; ".join(sight.problems) or "nothing is deployed"
        raise refused(f"{name}: {why}; deploy first")
    jobs = model.due(sight.server, sight.target.stack)
    missing = [each for each in remote.COLLECTION if not any(one in commit.tree for one in each)]
    if jobs and missing:
        names = ", ".join(" or ".join(each) for each in missing)
        raise refused(
            f"{name}: the deployed commit {commit.id[:8]} has no {names}; deploy one that has"
        )
    return jobs


def _install(session: Session, sight: Sight, jobs: Sequence[Job], mailto: str) -> None:
    host, name, console = sight.host, sight.server.name, session.console
    with Lock(host, holder(), though_frozen=True) as lock:
        before = remote.crontab(host)
        after = _changed(sight, before, jobs, mailto)
        remote.require_python(host)
        lock.step("install jobs")
        with console.step(name, "prepare what the jobs need") as notes:
            changed = remote.set_up(host)
            notes.append(", ".join(changed) or "is there already")
        there = remote.tasks(host)
        if unknown := [job.runs for job in jobs if job.runs not in there]:
            raise Trouble(
                f"{name}: the deployed commit has no task {', '.join(unknown)}; deploy first"
            )
        noted = remote.note(host, model.block_of(after, host.server.root))
        if after != before:
            remote.begin(host, [job.task for job in jobs])
            _rewrite(host, lambda text: _changed(sight, text, jobs, mailto))
            block = model.block_of(remote.crontab(host), host.server.root)
            if block != model.block_of(after, host.server.root):
                raise Trouble(f"{name}: the crontab is not what was written")
    if after == before and not (changed or noted):
        console.line(name, "no change")
    for job in jobs:
        console.line(name, f"{job.when}  {job.task}")
    if sight.facts.cron == "no":
        console.warn(name, model.NO_DAEMON)


def _rewrite(host: Host, change: Callable[[str], str]) -> bool:
    """Change the crontab, which others may change at the same time; whether that was necessary."""
    for _ in range(TRIES):
        before = remote.crontab(host)
        after = change(before)
        if after == before:
            return False
        if remote.write_crontab(host, before, after):
            return True
    raise refused(f"{host.name}: somebody else keeps changing the crontab; run again")


def _changed(sight: Sight, before: str, jobs: Sequence[Job], mailto: str) -> str:
    try:
        return model.install(before, jobs, sight.server.root, sight.facts.user, mailto)
    except ValueError as error:
        raise _broken(sight.server.name, error) from None


def _broken(name: str, error: ValueError) -> Trouble:
    return refused(f"{name}: crontab: {error}; mend it there with crontab -e, then run again")


def remove(session: Session, on: str, group: str) -> None:
    """Take the block out of the crontab of a server, or of all."""
    side_by_side(lambda name: _remove(session, name), meant_by(session, on, group))


def _remove(session: Session, name: str) -> None:
    host = session.host(name)
    with Lock(host, holder(), though_frozen=True):
        changed = _rewrite(host, lambda text: _without(host, text))
        remote.forget(host)
    what = "no change: nothing of ours is in the crontab"
    if changed:
        what = "the jobs are out of the crontab; logs and environment stay"
    session.console.line(name, what)


def _without(host: Host, crontab: str) -> str:
    try:
        return model.remove(crontab, host.server.root)
    except ValueError as error:
        raise _broken(host.name, error) from None


def list_(session: Session, on: str, group: str, *, as_json: bool) -> None:
    """What cron starts on the servers, and how each job last ended."""
    names = meant_by(session, on, group)
    found = side_by_side(lambda name: look(session.host(name)), names)
    if as_json:
        views = {n: view(session.inventory.server(n), facts) for n, facts in found.items()}
        session.console.result(views)
        return
    for name, facts in found.items():
        rows = [
            (job["task"], job["when"], day(job["succeeded"]), _failure(job), job["log"])
            for job in view(session.inventory.server(name), facts)
        ]
        columns = ("job", "when", "last success", "last failure", "log")
        if rows:
            session.console.table(name, columns, rows)
        else:
            session.console.line(name, "no jobs; fab cron.install installs them")
        for text in missed(facts):
            session.console.warn(name, text)


def _failure(job: dict[str, Any]) -> str:
    return f"{day(job['failed'])}: {job['why']}" if job["failed"] else "never"
