"""Programs of the operator's own that a deploy starts on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

OVERDUE = 124
"""The exit code of a program that did not end in time, as ``timeout`` has it."""
LEFT = 5.0
"""Seconds that the output of a program may stay open after its end."""


def runnable(path: Path) -> bool:
    """Whether it is a file that may be run."""
    return path.is_file() and os.access(path, os.X_OK)


def run(
    path: Path, settings: Mapping[str, str], deadline: float, show: Callable[[str], None]
) -> int:
    """Run a program to its end and show its lines as they come; its exit code.

    It gets our environment and ``settings``, and no input. After ``deadline`` seconds it is ended,
    with all that it has started (:data:`OVERDUE`). One that cannot be started raises OSError.
    """
    running = subprocess.Popen(
        [path],
        cwd=path.parent.parent,
        env={**os.environ, **settings},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    listening = threading.Thread(target=_listen, args=(running, show), daemon=True)
    listening.start()
    try:
        return running.wait(deadline)
    except subprocess.TimeoutExpired:
        return OVERDUE
    finally:
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        listening.join(LEFT)


def _listen(running: subprocess.Popen[str], show: Callable[[str], None]) -> None:
    assert running.stdout is not None
    with running.stdout as lines:
        for line in lines:
            show(line.removesuffix("\n"))
