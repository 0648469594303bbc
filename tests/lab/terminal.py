"""A command on a terminal, with somebody who answers what it asks."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Typed:
    """How a command ended, and what stood on the terminal."""

    code: int
    shown: str


def typed(
    words: Sequence[str], folder: Path, environment: Mapping[str, str], answers: Mapping[str, str]
) -> Typed:
    """Run a command there; each time that one of the questions is shown, its answer is typed."""
    ours, theirs = pty.openpty()
    shown, answered = b"", dict.fromkeys(answers, 0)
    with subprocess.Popen(
        words,
        cwd=folder,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as running:
        os.close(theirs)
        with suppress(OSError):  # how Linux says that nobody has the other end any more
            while data := os.read(ours, 4096):
                shown += data
                for question, answer in answers.items():
                    if shown.count(question.encode()) > answered[question]:
                        answered[question] += 1
                        os.write(ours, f"{answer}\n".encode())
    os.close(ours)
    return Typed(running.returncode, shown.decode())
