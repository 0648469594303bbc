"""inv bench.*: figures for docs/benchmarks.md, most of them measured in a lab that is up."""

from __future__ import annotations

from invoke import Collection, Context, task

from . import backup as backups
from . import building as builds
from . import deploys as rivals
from . import instants as moments
from . import listing as lists
from . import looking as looks
from . import replacing as replacements


@task
def backup(_context: Context) -> None:
    """Back a gigabyte up and restore it, beside a raw pg_dump | zstd; about ten minutes."""
    backups.run()


@task(help={"rounds": "how often each way is measured; about six minutes a round"})
def building(_context: Context, rounds: int = 3) -> None:
    """Build on the server and elsewhere, under load, beside docker save | ssh docker load."""
    builds.run(rounds)


@task
def instants(_context: Context) -> None:
    """Bring a database to an instant, and see how far the log's receiver is behind; a minute."""
    moments.run()


@task
def listing(_context: Context) -> None:
    """Time fab --list beside that of a fabfile with one task; half a minute, without a lab."""
    lists.run()


@task(help={"servers": "how many there are", "rounds": "how often each is measured"})
def looking(_context: Context, servers: int = 50, rounds: int = 5) -> None:
    """Time fab status over fifty servers beside pyinfra and Ansible; minutes, without a lab."""
    looks.measure(servers, rounds)


@task
def replacing(_context: Context) -> None:
    """See how soon health is seen, and how long a new proxy is felt; about five minutes."""
    replacements.run()


@task(
    help={
        "rounds": "how often each is measured on idle services; about eight minutes a round",
        "loads": "in how many of them deploys are made under load too; about five minutes each",
    }
)
def deploys(_context: Context, rounds: int = 3, loads: int = 1) -> None:
    """Deploy beside the seed's script, Ansible and pyinfra; about half an hour."""
    rivals.run(rounds, loads)


ns = Collection("bench", backup, building, deploys, instants, listing, looking, replacing)
"""Benchmarks: each writes its section of docs/benchmarks.md, and but for two needs inv lab.up."""
