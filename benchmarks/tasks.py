"""inv bench.*: figures for docs/benchmarks.md, measured in a lab that is up."""

from __future__ import annotations

from invoke import Collection, Context, task

from . import backup as backups


@task
def backup(_context: Context) -> None:
    """Back a gigabyte up and restore it, beside a raw pg_dump | zstd; about ten minutes."""
    backups.run()


ns = Collection("bench", backup)
"""Benchmarks: each needs inv lab.up, and writes its section of docs/benchmarks.md."""
