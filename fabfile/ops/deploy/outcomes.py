"""Who hears how a run ended that changes what runs: people, and the forge that has its commit."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from ...model.access.envfile import parse
from ...model.errors import REFUSED, Trouble
from ...model.telling import STATUS_TOKEN
from ...remote import commit_status
from ..session import Session, side_by_side
from ..telling import begun, change_told
from .run import Run

ROLLBACK = "rollback"
"""It says nothing of the commit that it goes back to, so no forge hears of it."""


@contextmanager
def runs_told(session: Session, task: str, runs: Sequence[Run]) -> Iterator[None]:
    """Tell how the block ends, which carries out these runs as one decision. One at least.

    Nothing where it was refused, and nothing was touched.
    """
    plan, commit = runs[0].plan, runs[0].sight.facts.commit
    author = commit.author if commit and commit.id == plan.commit else ""
    names = [run.name for run in runs]
    outcome = begun(task, names, plan.commit, plan.subject, author)
    tokens = {} if task == ROLLBACK else _tokens(runs)
    with change_told(session, outcome, {run.name: run.sight.host for run in runs}):
        try:
            yield
        except Trouble as trouble:
            if trouble.code != REFUSED:
                _report(session, tokens, plan.commit, trouble.message)
            raise
        _report(session, tokens, plan.commit, "")


def _tokens(runs: Sequence[Run]) -> dict[str, str]:
    """The token of each server whose commits have a status; empty: nobody gave one."""
    found = {}
    for run in runs:
        if run.sight.server.commit_status:
            values = parse(run.sight.host.env).values
            found[run.name] = os.environ.get(STATUS_TOKEN) or values.get(STATUS_TOKEN, "")
    return found


def _report(session: Session, tokens: Mapping[str, str], commit: str, error: str) -> None:
    """Report it for each server; what is not taken is a warning."""

    def report(name: str) -> str:
        if not tokens[name]:
            return f"{STATUS_TOKEN} is neither in the environment nor in .env"
        return commit_status.report(
            session.inventory.server(name).commit_status,
            tokens[name],
            commit,
            passed=not error,
            context=f"deploy/{name}",
            description=session.console.redact(error) or "deployed and proved",
        )

    for name, why in side_by_side(report, [*tokens]).items():
        if why:
            session.console.warn(name, f"the status of {commit[:8]} is not reported: {why}")
