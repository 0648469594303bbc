"""A program of the operator's own is ended in time, with all that it has started."""

from __future__ import annotations

import time
from pathlib import Path

from fabfile.remote.hooks import OVERDUE, run


def written(folder: Path, text: str) -> Path:
    path = folder / "hooks" / "before-deploy"
    path.parent.mkdir()
    path.write_text(text)
    path.chmod(0o755)
    return path


def runs(process: str) -> bool:
    """Whether a process has not ended; one that nobody has asked about yet has."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_what_one_that_hangs_has_started_ends_with_it(tmp_path: Path) -> None:
    path = written(tmp_path, "#!/bin/sh\nsleep 600 & echo $!\nwait\n")
    said: list[str] = []
    assert run(path, {}, 1, said.append) == OVERDUE
    (child,) = said
    deadline = time.monotonic() + 30
    while runs(child):
        assert time.monotonic() < deadline, "it runs on"
