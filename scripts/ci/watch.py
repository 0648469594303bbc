"""The watch: servers, their certificates, and whether the newest backup can be restored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from invoke import Context, Exit, task

from . import runner, summary
from .run import Run, run_of, write


@task
def watch(_context: Context) -> None:
    """Ask doctor, ssl.status and db.verify; write the summary; exit code of the worst of them.

    Each is asked, whatever the one before it found.
    """
    with run_of("") as run:
        codes = [_asked(run, name, findings) for name, findings in WATCHED.items()]
    if worst := max(codes):
        raise Exit(code=worst)


def _asked(run: Run, name: str, findings: Callable[[Any], Iterator[str]]) -> int:
    ended = run.attempt(name)
    found = list(findings(ended.result)) if ended.result else []
    write(summary.of_watched(name, ended.code, ended.seconds, found, ended.error))
    if ended.code:
        text = "\n".join([*ended.error, *found]) or "no message; the log of this step has all"
        run.log.annotate(runner.ERROR, f"{name}: exit code {ended.code}", text)
    return ended.code


def _checks(servers: Mapping[str, Any]) -> Iterator[str]:
    """What doctor found that is not well, on each server."""
    for server, examined in servers.items():
        for check in examined["checks"]:
            if check["verdict"] != "ok":
                yield f"{server}: {check['verdict']}: {check['check']}: {check['text']}"


def _certificates(servers: Mapping[str, Any]) -> Iterator[str]:
    """How long each server's certificate lasts, and what is wrong with it."""
    for server, certificate in servers.items():
        if certificate["days"] is not None:
            yield f"{server}: ends in {certificate['days']} days"
        yield from (f"{server}: {problem}" for problem in certificate["problems"])


def _backup(backup: Mapping[str, Any]) -> Iterator[str]:
    """The backup that was restored apart."""
    yield f"{backup['server']}: {backup['name']}, {backup['bytes']} bytes, {backup['commit'][:8]}"


WATCHED: dict[str, Callable[[Any], Iterator[str]]] = {
    "doctor": _checks,
    "ssl.status": _certificates,
    "db.verify": _backup,
}
"""Task of fab → what its JSON tells."""
