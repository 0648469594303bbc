"""Recover: what a run that died left half done goes back to the last release that passed."""

from __future__ import annotations

from ...model.access.envfile import parse
from ...model.deploy.way_back import changed_keys, env_needed, half_way
from ...model.errors import refused
from ...model.facts import Facts
from ...model.release import FAILED, RUNNING, Release
from ...remote import state
from ...remote.deploy import git
from ...remote.host import Host
from ...remote.look import look
from ..interruption import interruptible
from ..locking import deadline, waiting_lock
from ..session import Session
from .carry_out import bring_back, stopped


def recover(session: Session, name: str, waive: tuple[str, ...], wait: int) -> None:
    """Make a server uniform again, as its own run would have done; proved and recorded.

    Exit code 3: it could not be brought back, and a person is needed.
    """
    host, console = session.host(name), session.console
    with waiting_lock(session, name, deadline(wait)) as lock:
        facts = look(host)
        left = half_way(facts.releases)
        if not left:
            console.line(name, "nothing to recover: no run was left half way")
            return
        for release in left:
            if release.outcome == RUNNING:
                _close(session, host, release, facts.now, lock.who_died(release.started))
        last = facts.verified
        if last is None:
            raise refused(f"{name}: no release has passed yet; fab {name}.deploy makes the first")
        _keep_env(session, host, last, left[-1], facts)
        begun = {service for release in left for service in release.definitions}
        spare = frozenset(c.id for c in facts.containers if c.service not in begun)
        with interruptible(session, lambda: stopped(session, {name: lock.at})):
            bring_back(session, name, last, spare, lock.step, waive)
        git.prune_worktrees(host)
    console.line(name, f"recovered: runs {last.commit[:8]} {last.subject}, proved", "bold green")


def _close(session: Session, host: Host, release: Release, now: int, where: str) -> None:
    """Give the record of a run that died its end."""
    said = f"died: {where}" if where else "died"
    state.write_release(host, release.ended(FAILED, now, error=said))
    told = f"{release.id} ({release.commit[:8]} {release.subject}) {said}"
    session.console.line(host.name, told, "red")


def _keep_env(session: Session, host: Host, last: Release, left: Release, facts: Facts) -> None:
    """The ``.env`` that was to be is kept beside the record of the run that was left half way.

    One that is the last good release's is not what was to be: an earlier recovery put it back.
    """
    if not facts.env_stat:
        return
    if keys := changed_keys(last, dict(parse(facts.env).values)):
        state.keep_env(host, left, env_needed(facts.releases))
        kept = state.release_folder(host, left) / "env"
        told = f".env comes back too, without what is new in: {', '.join(keys)}; kept as {kept}"
        session.console.warn(host.name, told)
