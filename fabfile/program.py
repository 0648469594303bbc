"""``wishwithme-ops``: the command of the installed package, for a repository without a fabfile."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from invoke import Collection, Program

from . import usage
from .command import FOLDER
from .new import new_task

NAME = "wishwithme-ops"


def main() -> None:
    """Run it; what it prints and its exit codes are those of ``fab new``."""
    FOLDER.set(Path())
    usage.refuse_usage_errors()
    Program(name=NAME, version=version(NAME), namespace=Collection(new_task)).run()
