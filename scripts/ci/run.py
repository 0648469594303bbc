"""One job's calls of fab: with its keys, its log, its summary, and fab's own exit code."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from invoke import Exit

from . import fab, runner, summary

UNFINISHED = (1, 3)
"""Exit codes of a deploy that has begun, so that its record tells how far it came."""


class Run:
    """A task's calls of fab; one that fails is written down and ends the task as it ended."""

    def __init__(self, names: Sequence[str], environ: Mapping[str, str], log: runner.Log) -> None:
        self.names = names
        """The servers that the task is about."""
        self._environ = environ
        self.log = log

    def ask(self, what: str, names: Sequence[str], *options: str) -> Any:
        """The JSON of fab's task for one server, or of the one for all."""
        ended = self.attempt(f"{names[0]}.{what}" if len(names) == 1 else what, *options)
        if ended.code:
            self._failed(what, names, ended)
        return ended.result

    def attempt(self, task: str, *options: str) -> fab.Ended:
        """How a task of fab ended, whichever way; its lines are one part of the log."""
        with self.log.part(" ".join(("fab", task, *options))):
            return fab.run([task, *options, "--json"], self._environ, self.log)

    def status(self) -> Mapping[str, Any]:
        """What ``status --json`` prints of all servers that can be reached, well or not."""
        return fab.run(["status", "--json"], self._environ).result or {}

    def released(self, release: Mapping[str, Any]) -> None:
        """Write down a release that passed, and tell it beside the run."""
        write(summary.of_release(release, self._record(release["server"], release["id"])))
        waived = release["outcome"] == "accepted"
        self.log.annotate(
            runner.WARNING if waived else runner.NOTICE,
            f"{release['server']}: {release['outcome']}",
            f"{release['id']} {release['subject']}, in {summary.duration(release['seconds'] or 0)}"
            + (": a red gate was waived" if waived else ""),
        )

    def _failed(self, what: str, names: Sequence[str], ended: fab.Ended) -> None:
        who = ", ".join(names)
        write(summary.of_failure(who, what, ended.code, ended.seconds, ended.error))
        if what != "plan" and ended.code in UNFINISHED:
            for name in names:
                for failed in self._failed_releases(name)[:1]:
                    if record := self._record(name, failed):
                        write(summary.of_failed(record))
        self.log.annotate(
            runner.ERROR,
            f"{who}: {what} failed with exit code {ended.code}",
            "\n".join(ended.error) or "no message; the log of this step has all",
        )
        raise Exit(code=ended.code)

    def _failed_releases(self, server: str) -> list[str]:
        """The ids of those that failed, of the last two: a way back may be a release of its own."""
        words = [f"{server}.history", "--number=2", "--json"]
        last = fab.run(words, self._environ).result or []
        return [one["id"] for one in last if one["outcome"] in ("failed", "died")]

    def _record(self, server: str, release: str) -> Mapping[str, Any]:
        """A release's record; empty where it cannot be had, which spoils nothing."""
        words = [f"{server}.history", f"--show={release}", "--json"]
        return fab.run(words, self._environ).result or {}


@contextmanager
def run_of(server: str, ref: str | None = None) -> Iterator[Run]:
    """The keys in place while the task calls fab, gone afterwards; refusals with exit code 2.

    ``server``: the one that the task is about, empty for all. ``ref``: the commit that it brings
    there, which must be merged.
    """
    # A broken fabfile must not take inv's other tasks with it.
    from fabfile.ops.session import read_inventory  # noqa: PLC0415

    from . import keys  # noqa: PLC0415
    from .changes import require_merged  # noqa: PLC0415

    log = runner.of(os.environ)
    with refusals(server or "all servers", log):
        inventory = read_inventory(os.environ, fab.PROJECT)
        servers = keys.around(inventory, server) if server else inventory.servers
        names = [server] if server else [one.name for one in servers]
        if ref is not None:
            require_merged(fab.PROJECT, ref)
        with keys.installed(servers, os.environ):
            yield Run(names, keys.without_keys(os.environ), log)


@contextmanager
def refusals(who: str, log: runner.Log) -> Iterator[None]:
    """Write a refusal of ours down as one of fab's, and end the task with its exit code."""
    from fabfile.model.errors import Trouble  # noqa: PLC0415

    try:
        yield
    except Trouble as trouble:
        write(summary.of_failure(who, "set-up", trouble.code, 0, [trouble.message]))
        with log.part("refused"):
            for line in (f"error: {trouble.message}", *(f"  {line}" for line in trouble.evidence)):
                log.line(line)
        log.annotate(runner.ERROR, f"{who}: refused", trouble.message)
        raise Exit(code=trouble.code) from None


def write(markdown: str) -> None:
    """Append to the job's summary, or print where there is none."""
    file = os.environ.get("GITHUB_STEP_SUMMARY")
    if not file:
        print(markdown, flush=True)
        return
    with Path(file).open("a", encoding="utf-8") as summaries:
        summaries.write(markdown + "\n")
