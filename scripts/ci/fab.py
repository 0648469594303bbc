"""Running fab for a workflow: its steps live; its JSON, its error and its exit code kept."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from .runner import Log

PROJECT = Path(__file__).resolve().parents[2]
FAB = Path(sys.executable).with_name("fab")
ERROR = "error: "
"""What fab's closing line begins with when a command failed."""


@dataclass(frozen=True)
class Ended:
    """How a command of fab ended."""

    code: int
    result: Any
    """The JSON that it printed; None when it printed none."""
    error: tuple[str, ...]
    """The line that says what failed, and the evidence below it."""
    seconds: float


def run(arguments: list[str], environ: Mapping[str, str], log: Log | None = None) -> Ended:
    """Run fab with these arguments; its steps appear in ``log``, if there is one.

    A cancelled run interrupts fab once, so that a deploy goes back by itself, and waits for it.
    """
    start = time.monotonic()
    words = [str(FAB), f"--search-root={PROJECT}", *arguments]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as printed, _interrupting_once() as started:
        process = subprocess.Popen(
            words,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=subprocess.PIPE,
            # Apart from our own group, or a Ctrl-C would reach it twice and interrupt the way back.
            start_new_session=True,
        )
        started(process)
        assert process.stderr
        # Lines end with LF alone: what a CR divides is no line of fab's.
        said = io.TextIOWrapper(process.stderr, "utf-8", "replace", newline="\n")
        lines = [line.removesuffix("\n") for line in _told(said, log)]
        code = process.wait()
        printed.seek(0)
        text = printed.read()
    return Ended(
        code if code >= 0 else 128 - code,
        json.loads(text) if text else None,
        _error(lines),
        time.monotonic() - start,
    )


def _told(stream: IO[str], log: Log | None) -> Iterator[str]:
    """Pass the lines on as they come, the last one whole too."""
    for line in stream:
        if log:
            log.line(line.removesuffix("\n"))
        yield line


def _error(lines: list[str]) -> tuple[str, ...]:
    starts = [number for number, line in enumerate(lines) if line.startswith(ERROR)]
    return tuple(lines[starts[-1] :]) if starts else ()


@contextmanager
def _interrupting_once() -> Iterator[Callable[[subprocess.Popen[bytes]], None]]:
    """Pass the first signal on as an interrupt, to the process that is told as soon as it is there.

    Taking the signals before the process starts also lets it hear them where ours ignores them, as
    a shell's background jobs do: what is caught here is back at its default there.
    """
    signals: list[int] = []
    running: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, _frame: object) -> None:
        signals.append(number)
        if running and len(signals) == 1:
            running[0].send_signal(signal.SIGINT)

    def started(process: subprocess.Popen[bytes]) -> None:
        running.append(process)
        if signals:
            process.send_signal(signal.SIGINT)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield started
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
