"""What is followed runs as long as somebody follows it, and not a moment longer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from invoke import Context

from fabfile.model.errors import Trouble
from fabfile.remote.commands import leash
from fabfile.remote.commands.leash import LEASH, leashed
from fabfile.remote.host import Host
from tests.unit.builders import SERVER

IDLE = ["bash", "-c", "sleep 300 & echo $$ $!; wait"]
"""Prints the ids of its process and of one that it started, and then nothing any more."""
HERE = replace(SERVER, connection="local")


@pytest.fixture
def host() -> Host:
    return Host(HERE, Context())


@pytest.fixture
def gone(host: Host) -> Iterator[Callable[[str], None]]:
    """Waits until the processes are gone whose ids are in this text."""
    seen: list[int] = []

    def gone(text: str) -> None:
        seen.extend(map(int, text.split()))
        assert len(seen) == 2
        host.wait("the end of what was followed", lambda: not any(map(alive, seen)), 20)

    yield gone
    for process in filter(alive, seen):
        os.kill(process, signal.SIGKILL)


def alive(process: int) -> bool:
    with suppress(OSError):
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z"
    return False


@pytest.mark.parametrize("error", [KeyboardInterrupt, BrokenPipeError, ValueError])
def test_it_ends_when_nobody_wants_its_lines_any_more(
    host: Host, gone: Callable[[str], None], error: type[BaseException]
) -> None:
    """As Ctrl-C does it, and ``head``."""
    said: list[str] = []

    def show(text: str) -> None:
        said.append(text)
        raise error

    with pytest.raises(error):
        host.follow(IDLE, show)
    gone(*said)


def test_one_ctrl_c_ends_it_while_it_says_nothing(gone: Callable[[str], None]) -> None:
    with followed() as following:
        assert following.stdout is not None
        text = following.stdout.readline()
        following.send_signal(signal.SIGINT)
        assert following.stdout.read() == "interrupted\n"
        assert following.wait(20) == 0
    gone(text)


def test_it_ends_when_its_follower_is_killed(gone: Callable[[str], None]) -> None:
    with followed() as following:
        assert following.stdout is not None
        text = following.stdout.readline()
        following.kill()
    gone(text)


@contextmanager
def followed() -> Iterator[subprocess.Popen[str]]:
    """A process that follows the idle command."""
    script = """
from invoke import Context
from fabfile.remote.host import Host
from tests.unit.test_following import HERE, IDLE
try:
    Host(HERE, Context()).follow(IDLE, lambda text: print(text, flush=True))
except KeyboardInterrupt:
    print("interrupted")
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
    ) as following:
        try:
            yield following
        finally:
            following.kill()


def test_it_ends_without_a_sign_of_life(gone: Callable[[str], None]) -> None:
    """A network that is cut closes nothing."""
    words = ["timeout", "60", "bash", "-c", LEASH, "leash", "1", *IDLE]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as silent:
        assert silent.stdout is not None
        gone(silent.stdout.readline())


def test_signs_of_life_keep_it_beyond_the_patience(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leash, "PATIENCE", 1)
    monkeypatch.setattr(leash, "BEAT", 0.05)
    assert leashed([])[-1] == "1"
    lines: list[str] = []
    host.follow(["bash", "-c", "sleep 2; cat; echo end"], lines.append)
    assert lines == ["end"]


def test_its_lines_are_its_own_up_to_the_last_that_has_no_end(host: Host) -> None:
    lines: list[str] = []
    host.follow(["printf", "caf\\xc3\\xa9\\n\\n\\xff \\x85\\r|\\nlast"], lines.append)
    assert lines == ["café", "", "\N{REPLACEMENT CHARACTER} \N{REPLACEMENT CHARACTER}\r|", "last"]


def test_a_command_that_fails_is_told_with_its_errors(host: Host) -> None:
    lines: list[str] = []
    why = r"^ubuntu: '.*' failed with exit code 3$"
    with pytest.raises(Trouble, match=why) as caught:
        host.follow(["bash", "-c", "echo a; echo why >&2; exit 3"], lines.append)
    assert (lines, caught.value.evidence) == (["a"], ("why",))
