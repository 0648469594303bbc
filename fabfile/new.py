"""The task that makes another repository's compose project one that is deployed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .command import command
from .options import COMPOSE, PATH

if TYPE_CHECKING:
    from .ui.console import Console


@command(PATH, COMPOSE, needs_hosts=False)
def new_task(console: Console, path: str, compose: str) -> None:
    """Write into a repository with a compose file what its deploy needs; overwrite nothing.

    Exit codes: 0 done, or nothing to do; 1 it could not be written; 2 refused, nothing written.

    Example: fab new --path ../shop --compose compose.yaml
    """
    from .ops.project import new

    new.new(console, Path(path), compose)
