"""What a hostile value would do: each line that carries one to a server, run by a real bash.

Nothing else is real: a program that is asked for is found by nobody, and counts as done.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from .fakes import connection
from .fakes.engine import Ended
from .fakes.handlers import execute
from .fakes.machine import Machine

MARK = "hostile-7f3a"
"""Stands in every hostile value, so that what carries one is known."""
VALUES = {
    "single quotes": "'$(>{0})';>{0};'",
    "double quotes": '"$(>{0})";>{0};"',
    "substitution": "$(>{0})",
    "backticks": "`>{0}`",
    "line break": "\n>{0}\n",
    "semicolon": ";>{0};",
    "pipe": "||>{0}|",
    "background": "&>{0}&",
    "redirection": "x>{0}",
    "unicode": "é☃\u2028\xa0$(>{0})",
    "leading dash": "--upload-pack=$(>{0})",
    "leading dash alone": "-$(>{0})",
    "arithmetic": "a[$(>{0})]",
    "braces": "${{x:-$(>{0})}}",
}
"""Kind → a value; ``{0}`` is the file that it would make if any of it were executed."""
GOES_ON = "while [[ ${1-} == -* ]]; do shift; done\n"
BEFORE = {
    "timeout": f'{GOES_ON}shift\nexec "$@"\n',
    # In turn: no lock is held here, and what would look for it is skipped.
    "flock": f'{GOES_ON}shift\n[ "${{4-}}" != turn ] || shift 6\nexec "$@"\n',
    "setsid": f'{GOES_ON}exec "$@"\n',
    "sudo": f'{GOES_ON}exec "$@"\n',
}
"""What runs what stands behind it."""
REAL = ("bash", "sh", "basename", "cat", "cut", "dirname", "grep", "head", "sort", "tail", "tr")
"""Programs that change nothing, and without which a script would go round and round."""
LONGEST = 5
"""Seconds of a script that waits for what never comes here."""
RUN: set[str] = set()
"""What was run in this process, but for what differs each time."""


class Lines:
    """The lines that a value reached, and the bash that runs them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.canary = folder / MARK
        self.answered = True
        """Whether the simulated server answers what carries a hostile value."""
        self.reached: dict[str, str] = {}
        """Line → the standard input that goes with it."""
        self.bin = folder / "bin"
        self.bin.mkdir(parents=True)
        for name, text in BEFORE.items():
            (self.bin / name).write_text(f"#!/bin/bash\n{text}")
            (self.bin / name).chmod(0o755)
        for name in REAL:
            (self.bin / name).symlink_to(str(shutil.which(name)))

    def values(self) -> list[str]:
        """One of each kind."""
        return [value.format(self.canary) for value in VALUES.values()]

    def see(self, line: str, stdin: str) -> bool:
        """Keep what carries a hostile value; whether it does."""
        carries = MARK in line or MARK in stdin
        if carries:
            self.reached.setdefault(line, stdin)
        return carries

    def run(self) -> int:
        """Run all that was kept; the number of lines. AssertionError when one executes a value."""
        lines, self.reached = self.reached, {}
        environment = {
            "PATH": str(self.bin),
            "HOME": str(self.folder),
            "BASH_FUNC_command_not_found_handle%%": "() { return 0; }",
        }
        for line, stdin in lines.items():
            # The same words again, from another task, would do the same.
            shape = re.sub(r"[0-9a-f]{8,}", "", line.replace(str(self.folder), "") + stdin)
            if shape not in RUN:
                RUN.add(shape)
                self._run(line, stdin, environment)
                assert not self.canary.exists(), line
        return len(lines)

    def _run(self, line: str, stdin: str, environment: dict[str, str]) -> None:
        with subprocess.Popen(
            ["/bin/bash", "-c", line],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as running:
            with suppress(subprocess.TimeoutExpired):
                running.communicate(stdin.encode(errors="surrogateescape"), timeout=LONGEST)
            # Also what it left behind: a script's own jobs may never end here.
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)


@contextmanager
def watched(folder: Path) -> Iterator[Lines]:
    """Keep each line that a simulated server is asked to run inside."""
    lines = Lines(folder)

    def see(machine: Machine, line: str, stdin: str) -> Ended:
        carries = lines.see(line, stdin)
        if carries and not lines.answered:
            return Ended(1, err="not simulated\n")
        return execute(machine, line, stdin)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "execute", see)
        yield lines
