"""inv ci.*: what the workflows call; all else they leave to fab."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from invoke import Collection, Context, Exit, task

from . import fab, summary

HELP = {
    "server": "the server of hosts.ini",
    "ref": "the commit; a branch or tag would be read anew at the server",
}


@task(help=HELP)
def changes(_context: Context, server: str, ref: str) -> None:
    """Write the plan of a deploy into the job's summary; exit code of fab SERVER.plan."""
    _with_keys(server, lambda environ: _changes(server, ref, environ))


@task(help=HELP)
def deploy(_context: Context, server: str, ref: str) -> None:
    """Deploy a commit and write the job's summary; exit code of fab SERVER.deploy."""
    _with_keys(server, lambda environ: _deploy(server, ref, environ))


ns = Collection("ci", changes, deploy)


def _with_keys(server: str, work: Callable[[dict[str, str]], int]) -> None:
    """Do the work with the keys in place; end as it ends, the keys gone."""
    # A broken fabfile must not take inv's other tasks with it.
    from fabfile.model.errors import Trouble  # noqa: PLC0415
    from fabfile.ops.session import read_inventory  # noqa: PLC0415

    from . import keys  # noqa: PLC0415

    try:
        servers = keys.around(read_inventory(os.environ, fab.PROJECT), server)
        with keys.installed(servers, os.environ):
            code = work(keys.without_keys(os.environ))
    except Trouble as trouble:
        _write(summary.of_failure(server, "set-up", trouble.code, 0, [trouble.message]))
        lines = [f"error: {trouble.message}", *(f"  {line}" for line in trouble.evidence)]
        raise Exit("\n".join(lines), trouble.code) from None
    if code:
        raise Exit(code=code)


def _changes(server: str, ref: str, environ: dict[str, str]) -> int:
    start = time.monotonic()
    ended = fab.run([f"{server}.plan", f"--ref={ref}", "--json"], environ)
    if ended.code:
        took = time.monotonic() - start
        _write(summary.of_failure(server, "plan", ended.code, took, ended.error))
        return ended.code
    for plan in ended.result:
        _write(summary.of_plan(plan))
    return 0


def _deploy(server: str, ref: str, environ: dict[str, str]) -> int:
    start = time.monotonic()
    ended = fab.run([f"{server}.deploy", "--yes", f"--ref={ref}", "--json"], environ)
    if ended.code:
        took = time.monotonic() - start
        _write(summary.of_failure(server, "deploy", ended.code, took, ended.error))
        return ended.code
    if not ended.result:
        _write(summary.of_nothing(server))
    for release in ended.result:
        words = [f"{server}.history", f"--show={release['id']}", "--json"]
        record = fab.run(words, environ, quiet=True).result or {}
        _write(summary.of_deploy(server, release, record.get("gates", ())))
    return 0


def _write(markdown: str) -> None:
    """Append to the job's summary, or print where there is none."""
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if not file:
        print(markdown, flush=True)
        return
    with Path(file).open("a", encoding="utf-8") as summaries:
        summaries.write(markdown + "\n")
