"""inv ci.*: what the workflows call; all else they leave to fab."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from invoke import Collection, Context, Exit, task

from . import fab, summary

HELP = {
    "server": "the server of hosts.ini; without it, all of them",
    "ref": "the full id of a commit in the history of the branch that is checked out here",
    "restart-data": "true: PostgreSQL and Redis may be recreated or restarted (default: false)",
}
ALLOWED = {"true": ("--restart-data",), "false": ()}
"""As GitHub writes an input that is a choice between yes and no."""


@task(help=HELP)
def changes(_context: Context, ref: str, server: str = "", restart_data: str = "false") -> None:
    """Write the plan of a deploy into the job's summary; exit code of fab plan."""
    with _run_of(ref, server, restart_data) as run:
        for plan in run.plans():
            _write(summary.of_plan(plan))


@task(help=HELP)
def deploy(_context: Context, ref: str, server: str = "", restart_data: str = "false") -> None:
    """Deploy a commit and write the job's summary; exit code of fab deploy.

    Without a server, those that the commit changes: two or more by one command, so that either
    all of them run it afterwards or none.
    """
    with _run_of(ref, server, restart_data) as run:
        names = [server] if server else run.changed()
        left = [name for name in run.names if name not in names]
        if names:
            run.deploy(names)
        if left and len(names) < 2:  # two are deployed by the command for all
            _write(
                f"## {', '.join(left)}: left as it is\n\n"
                "Nothing that runs there differs in this commit; nothing was deployed.\n"
            )


ns = Collection("ci", changes, deploy)


class _Run:
    """One task's calls of fab; a call that fails is written down and ends the task as it ended."""

    def __init__(
        self, ref: str, names: Sequence[str], environ: dict[str, str], allowed: Sequence[str]
    ) -> None:
        self.names = names
        """The servers that the task is about."""
        self._ref = ref
        self._allowed = allowed
        self._environ = environ

    def plans(self) -> list[dict[str, Any]]:
        """The entry of ``plan --json`` of each server."""
        found: list[dict[str, Any]] = self._fab("plan", self.names)
        return found

    def changed(self) -> list[str]:
        """The servers that the commit changes."""
        from .changes import changed_servers  # noqa: PLC0415

        return changed_servers(fab.PROJECT, self._ref, self.plans())

    def deploy(self, names: Sequence[str]) -> None:
        """Deploy these servers and write what became of each."""
        releases = self._fab("deploy", names, "--yes")
        for release in releases:
            words = [f"{release['server']}.history", f"--show={release['id']}", "--json"]
            record = fab.run(words, self._environ, quiet=True).result or {}
            _write(summary.of_deploy(release["server"], release, record.get("gates", ())))
        for name in names:
            if name not in {release["server"] for release in releases}:
                _write(summary.of_nothing(name))

    def _fab(self, what: str, names: Sequence[str], *flags: str) -> Any:
        """The JSON of fab's task for one server, or of the one for all."""
        name = f"{names[0]}.{what}" if len(names) == 1 else what
        start = time.monotonic()
        flags = (*flags, *self._allowed)
        ended = fab.run([name, *flags, f"--ref={self._ref}", "--json"], self._environ)
        if ended.code:
            took = time.monotonic() - start
            who = ", ".join(names)
            _write(summary.of_failure(who, what, ended.code, took, ended.error))
            raise Exit(code=ended.code)
        return ended.result


@contextmanager
def _run_of(ref: str, server: str, restart_data: str) -> Iterator[_Run]:
    """The keys in place while the task calls fab, gone afterwards; refusals with exit code 2."""
    # A broken fabfile must not take inv's other tasks with it.
    from fabfile.model.errors import Trouble, refused  # noqa: PLC0415
    from fabfile.ops.session import read_inventory  # noqa: PLC0415

    from . import keys  # noqa: PLC0415
    from .changes import require_merged  # noqa: PLC0415

    try:
        if restart_data not in ALLOWED:
            raise refused(f"--restart-data {restart_data}: it is true or false")
        inventory = read_inventory(os.environ, fab.PROJECT)
        servers = keys.around(inventory, server) if server else inventory.servers
        names = [server] if server else [one.name for one in servers]
        require_merged(fab.PROJECT, ref)
        with keys.installed(servers, os.environ):
            yield _Run(ref, names, keys.without_keys(os.environ), ALLOWED[restart_data])
    except Trouble as trouble:
        who = server or "all servers"
        _write(summary.of_failure(who, "set-up", trouble.code, 0, [trouble.message]))
        with fab.without_commands(os.environ):
            for line in (f"error: {trouble.message}", *(f"  {line}" for line in trouble.evidence)):
                print(line, file=sys.stderr, flush=True)
        raise Exit(code=trouble.code) from None


def _write(markdown: str) -> None:
    """Append to the job's summary, or print where there is none."""
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if not file:
        print(markdown, flush=True)
        return
    with Path(file).open("a", encoding="utf-8") as summaries:
        summaries.write(markdown + "\n")
