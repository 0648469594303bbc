"""inv ci.*: what the workflows call; all else they leave to fab."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from invoke import Collection, Context, task

from . import fab, runner, summary
from .run import Run, refusals, run_of, write
from .watch import watch

HELP = {
    "server": "the server of hosts.ini; without it, all of them",
    "ref": "the full id of a commit in the history of the branch that is checked out here",
    "restart-data": "true: PostgreSQL and Redis may be recreated or restarted (default: false)",
}
ALLOWED = {"true": ("--restart-data",), "false": ()}
"""As GitHub writes an input that is a choice between yes and no."""


@task(help={"ref": HELP["ref"]})
def turn(_context: Context, ref: str) -> None:
    """Say whether a pushed commit is its branch's newest; else its tests and deploy are left out.

    The answer is the step's output ``newest``, ``true`` or ``false``.
    """
    from fabfile.ops.session import read_inventory  # noqa: PLC0415

    from .changes import require_merged  # noqa: PLC0415
    from .superseded import newest  # noqa: PLC0415

    log = runner.of(os.environ)
    with refusals("all servers", log):
        branch = read_inventory(os.environ, fab.PROJECT).servers[0].branch
        require_merged(fab.PROJECT, ref)
        tip = newest(fab.PROJECT, branch)
    if tip != ref:
        _superseded(log, ref, f"{branch} has moved on to {tip[:8]}, whose own run deploys it")
    if file := os.environ.get("GITHUB_OUTPUT"):
        with Path(file).open("a", encoding="utf-8") as outputs:
            outputs.write(f"newest={str(tip == ref).lower()}\n")


@task(help=HELP)
def changes(_context: Context, ref: str, server: str = "", restart_data: str = "false") -> None:
    """Write the plan of a deploy into the job's summary; exit code of fab plan."""
    allowed = _allowed(restart_data)
    with run_of(server, ref) as run:
        if server or not _is_superseded(run, ref):
            for plan in _plans(run, ref, allowed):
                write(summary.of_plan(plan))


@task(help=HELP)
def deploy(_context: Context, ref: str, server: str = "", restart_data: str = "false") -> None:
    """Deploy a commit and write the job's summary; exit code of fab deploy.

    Without a server, those that the commit changes: two or more by one command, so that either
    all of them run it afterwards or none. Nothing where one of them runs a newer commit already.
    """
    allowed = _allowed(restart_data)
    with run_of(server, ref) as run:
        if server:
            _deploy(run, ref, [server], allowed)
        elif not _is_superseded(run, ref):
            _deploy_changed(run, ref, allowed)


@task(
    help={
        "server": "the server of hosts.ini",
        "to": "id of a release or (the start of) a commit (default: the release before this one)",
    }
)
def rollback(_context: Context, server: str, to: str = "") -> None:
    """Take a server back to a verified release; write the summary; exit code of fab rollback."""
    with run_of(server) as run:
        options = ["--yes", *([f"--to={to}"] if to else [])]
        release = run.ask("rollback", [server], *options)
        if release:
            run.released(release)
        else:
            write(summary.of_nothing(server))


ns = Collection("ci", turn, changes, deploy, rollback, watch)


def _allowed(restart_data: str) -> Sequence[str]:
    """The options of fab that an input stands for; exit code 2 when it is none."""
    from fabfile.model.errors import refused  # noqa: PLC0415

    with refusals("all servers", runner.of(os.environ)):
        if restart_data not in ALLOWED:
            raise refused(f"--restart-data {restart_data}: it is true or false")
    return ALLOWED[restart_data]


def _plans(run: Run, ref: str, allowed: Sequence[str]) -> list[Mapping[str, Any]]:
    """The entry of ``plan --json`` of each server."""
    found: list[Mapping[str, Any]] = run.ask("plan", run.names, *allowed, f"--ref={ref}")
    return found


def _deploy_changed(run: Run, ref: str, allowed: Sequence[str]) -> None:
    from .changes import changed_servers  # noqa: PLC0415

    names = changed_servers(fab.PROJECT, ref, _plans(run, ref, allowed))
    if names:
        _deploy(run, ref, names, allowed)
    left = [name for name in run.names if name not in names]
    if left and len(names) < 2:  # two are deployed by the command for all
        write(summary.of_left(left))


def _deploy(run: Run, ref: str, names: Sequence[str], allowed: Sequence[str]) -> None:
    """Deploy these servers and write what became of each."""
    releases = run.ask("deploy", names, "--yes", *allowed, f"--ref={ref}")
    for release in releases:
        run.released(release)
    for name in names:
        if name not in {release["server"] for release in releases}:
            write(summary.of_nothing(name))


def _is_superseded(run: Run, ref: str) -> bool:
    """Whether a server runs a newer commit already: a push or a hotfix takes none back."""
    from .superseded import overtaken  # noqa: PLC0415

    newer = overtaken(fab.PROJECT, ref, run.status())
    if newer:
        where = " and ".join(f"{name} runs {commit[:8]}" for name, commit in newer)
        _superseded(run.log, ref, f"{where}, which has it already")
    return bool(newer)


def _superseded(log: runner.Log, ref: str, why: str) -> None:
    write(summary.of_superseded(ref, why))
    log.annotate(runner.NOTICE, "superseded", f"{ref[:8]} is not deployed: {why}")
