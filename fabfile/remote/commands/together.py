"""Several commands for a server in one round trip, each like any other.

Each has its own deadline, turn and standard input. Changes begin when the one before has ended with
0, questions whenever it has ended.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import NamedTuple

from ..output import Output, Timeout
from .shell import Told

SCRIPT = r"""
mark=$1 goes_on=$2
shift 2
while [ $# -gt 0 ]; do
  if [ "$1" = 0 ]; then (eval "exec $2") </dev/null; else head -c "$1" | (eval "exec $2"); fi
  code=$?
  printf '\n%s %s\n' "$mark" "$code"
  printf '\n%s\n' "$mark" >&2
  [ "$code" = 0 ] || [ "$goes_on" ] || exit 0
  shift 2
done
"""


class Change(NamedTuple):
    """A command that changes a server, as ``Host.write`` takes it."""

    words: Sequence[str]
    stdin: str = ""
    timeout: Timeout = 60
    check: bool = True


def as_one(
    lines: Sequence[tuple[str, str]], *, goes_on: bool = False
) -> tuple[list[str], str, str]:
    """One command for lines, each with its input: its words, its input, and the mark in between.

    ``goes_on``: also after one that failed.
    """
    mark = secrets.token_hex(16)
    words = ["bash", "-c", SCRIPT, "together", mark, "yes" if goes_on else ""]
    for line, stdin in lines:
        words += [str(len(stdin.encode())), line]
    return words, "".join(stdin for _, stdin in lines), mark


def between(told: Told, mark: str) -> Told:
    """Who is told what the commands print, and nothing of the marks in between."""

    def tell(text: str) -> None:
        if not mark.startswith(text.partition(" ")[0]):  # it may have come by half
            told(text)

    return tell


def apart(output: Output, mark: str) -> list[Output]:
    """What each of the commands printed that began and ended."""
    outs = output.stdout.split(f"\n{mark} ")
    errors = output.stderr.split(f"\n{mark}\n")
    done = []
    for number, after in enumerate(outs[1:]):
        code, _, _ = after.partition("\n")
        printed = outs[number].partition("\n")[2] if number else outs[0]
        done.append(Output(int(code), printed, errors[number] if number < len(errors) else ""))
    return done
