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
    # Its output goes to files of its own: a daemon that it starts would keep our pipes open.
    done = subprocess.run([ROOT / "scripts/engine"], stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise LabError(done.stderr.strip())


def docker(
    *words: str | Path,
    input: str | bytes | None = None,  # noqa: A002 - as subprocess names it
    timeout: float = 60,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run ``docker`` with these words; LabError when it fails or outlives ``timeout`` seconds.

    With ``check=False`` a failing command is the caller's to judge.
    """
    done = run(["docker", *words], input=input, timeout=timeout)
    if check and done.returncode:
        raise LabError(f"docker {words[0]} failed: {last_line(done.stderr or done.stdout)}")
    return done


def run(
    words: Sequence[str | Path],
    input: str | bytes | None = None,  # noqa: A002
    timeout: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run a program without a terminal; LabError when it is missing or outlives its time."""
    data = input.encode() if isinstance(input, str) else input
    source = {"input": data} if data is not None else {"stdin": subprocess.DEVNULL}
    try:
        done = subprocess.run(words, capture_output=True, timeout=timeout, check=False, **source)  # type: ignore[call-overload]
    except FileNotFoundError:
        raise LabError(f"{words[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        shown = " ".join(str(word) for word in words[:4])
        raise LabError(f"{shown} … did not end within {timeout:g} s") from None
    return subprocess.CompletedProcess(
        done.args,
        done.returncode,
        done.stdout.decode(errors="replace"),
        done.stderr.decode(errors="replace"),
    )


def last_line(text: str) -> str:
    """The last line with anything on it: where programs say what went wrong."""
    return ([line.strip() for line in text.splitlines() if line.strip()] or ["no output"])[-1]
