"""The docker client, run with word lists."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from .place import ROOT


class LabError(Exception):
    """The lab cannot be had or did not do as told; the message is one line for a person."""


def ensure_engine() -> None:
    """Make sure that a local engine answers; ``scripts/engine`` starts one where it can.

    Raises LabError when there is none to be had, or when the client points at a remote one.
    """
    done = subprocess.run([ROOT / "scripts/engine"], stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise LabError(done.stderr.strip())


def docker(
    *words: str | Path,
    stdin: str | bytes | None = None,
    timeout: float = 60,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run ``docker`` with these words; LabError when it fails or outlives ``timeout`` seconds.

    With ``check=False`` a failing command is the caller's to judge.
    """
    done = run(["docker", *words], stdin=stdin, timeout=timeout)
    if check and done.returncode:
        raise LabError(f"docker {words[0]} failed: {last_line(done.stderr or done.stdout)}")
    return done


def run(
    words: Sequence[str | Path],
    stdin: str | bytes | None = None,
    timeout: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run a program without a terminal; LabError when it is missing or outlives its time."""
    data = stdin.encode() if isinstance(stdin, str) else stdin or b""
    try:
        done = subprocess.run(words, input=data, capture_output=True, timeout=timeout, check=False)
    except FileNotFoundError:
        raise LabError(f"{words[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        shown = " ".join(str(word) for word in words[:4])
        raise LabError(f"{shown} … did not end within {timeout:g} s") from None
    output, errors = (stream.decode(errors="replace") for stream in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(done.args, done.returncode, output, errors)


def last_line(text: str) -> str:
    """The last line with anything on it: where programs say what went wrong."""
    return ([line.strip() for line in text.splitlines() if line.strip()] or ["no output"])[-1]
