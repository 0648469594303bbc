"""The line that a server's shell gets: quoted words under a deadline, in turn if one is held.

The deadline is coreutils' own, on the server: a command ends there even when nobody waits for it.
"""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

OVER = 79
"""Exit code of a command that was not run, because the turn is somebody else's."""
IN_TURN = f"""
[ "$(<"$1")" = "$2" ] || {{ echo "$2 is over" >&2; exit {OVER}; }}
shift 2
exec 3> >(exec tee -p /dev/null >&2)
errors=$!
"$@" 2>&3 3>&- | tee -p /dev/null 3>&-
code=${{PIPESTATUS[0]}}
exec 3>&-
wait "$errors"
exit "$code"
"""
"""Somebody takes what it prints also when the operator is gone: a command that nobody reads would
end in the middle of what it does."""


@dataclass(frozen=True)
class Turn:
    """What a lock gives, for the changes that are made while it is held.

    A change holds the file, shared, for as long as it runs, also when whoever began it is gone:
    nobody else gets a turn meanwhile. It begins only while the token stands in the file: nobody
    else had one since.
    """

    file: PurePosixPath
    token: str

    def words(self, words: Sequence[str]) -> list[str]:
        """The command in this turn. What it leaves running does not hold the file."""
        guard = ["flock", "--shared", "--close", str(self.file)]
        return [*guard, "bash", "-c", IN_TURN, "turn", str(self.file), self.token, *words]

    def missed(self, code: int, errors: str) -> bool:
        """Whether a command that ended so was not run."""
        return code == OVER and f"{self.token} is over" in errors


@dataclass(frozen=True)
class Line:
    """A line as the server's shell gets it, and the mark behind which its command's output begins.

    What a shell's start-up files print stands before the mark. Nothing stands behind the output:
    the shell becomes the command.
    """

    text: str
    mark: str

    def own(self, printed: str) -> str | None:
        """What the command itself printed on a stream; None: the shell has not begun it."""
        _, begun, own = printed.partition(self.mark)
        return own if begun else None


def quoted(
    words: Sequence[str], timeout: float, turn: Turn | None = None, *, foreground: bool = False
) -> str:
    """The one place that quotes. ``foreground``: it may read from a terminal."""
    there = ["--foreground"] if foreground else []
    bounded = ["timeout", "--kill-after=5", *there, f"{timeout:g}", *words]
    return shlex.join(turn.words(bounded) if turn else bounded)


def command_line(
    words: Sequence[str],
    timeout: float,
    has_stdin: bool,
    turn: Turn | None = None,
    *,
    foreground: bool = False,
) -> Line:
    """The line of a command that has a session of its own."""
    # In two halves: a shell that shows what it is told to run does not print the mark by that.
    halves = secrets.token_hex(8), secrets.token_hex(8)
    say = f"printf '%s%s\\n' {' '.join(halves)}"
    # SHLVL: a bash that sshd seems to have started reads ~/.bashrc, also one of our scripts.
    text = f"set +x; export SHLVL=9; {say}; {say} >&2; exec "
    text += quoted(words, timeout, turn, foreground=foreground)
    return Line(text if has_stdin else f"{text} </dev/null", f"{''.join(halves)}\n")


def short(words: Sequence[str]) -> str:
    """A command as a message shows it, cut where it is long."""
    text = " ".join(words[3:5]) if words[:2] == ["bash", "-c"] else shlex.join(words)
    return text if len(text) <= 80 else text[:80] + "…"


def reason(error: BaseException) -> str:
    """What an error says, in one line."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__
