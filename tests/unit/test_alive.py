"""What takes long shows that it is under way: its last words, its time, its bytes."""

from __future__ import annotations

import io
import re
import threading
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path

import pytest
from invoke import Context

from fabfile.remote.commands import pipe
from fabfile.remote.commands.line import quoted
from fabfile.remote.commands.pipe import Counted
from fabfile.remote.commands.shell import _Heard
from fabfile.remote.commands.shells import Shells
from fabfile.remote.commands.together import Change
from fabfile.remote.host import Host
from fabfile.ui import alive
from fabfile.ui.console import Console
from tests.unit.builders import SERVER

SECRET = "a-long-secret"


class Written(io.StringIO):
    """An output that tells when it has so many lines."""

    def __init__(self, *, terminal: bool = False) -> None:
        super().__init__()
        self.more = threading.Condition()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal

    def write(self, text: str) -> int:
        with self.more:
            self.more.notify_all()
            return super().write(text)

    def until(self, pattern: str) -> str:
        with self.more:
            assert self.more.wait_for(lambda: re.search(pattern, self.getvalue()), 60), pattern
        return self.getvalue()


def test_off_a_terminal_a_step_has_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alive, "EVERY", 0.01)
    console = Console()
    console.hide([SECRET])
    with redirect_stdout(Written()) as plain, console.step("ubuntu", "build web"):
        plain.until(r"^\[ubuntu\] … build web \d+s\n")
        console.told("ubuntu", f"Step 3/9 : RUN \x1b[31mlogin {SECRET}")
        console.told("montreal", "of another server")
        shown = plain.until(r"\[ubuntu\] … build web \d+s: Step 3/9 : RUN login \[hidden\]\n")
    assert "another" not in shown
    end = plain.getvalue()
    with redirect_stdout(plain):
        console.told("ubuntu", "it has ended")
    assert re.search(r"\n\[ubuntu\] ✓ build web [0-9.]+s\n$", end)
    assert plain.getvalue() == end


def test_a_step_that_is_over_in_time_has_its_end_alone() -> None:
    console = Console()
    with redirect_stdout(Written()) as plain, console.step("ubuntu", "build web"):
        console.told("ubuntu", "Step 1/9")
    assert re.fullmatch(r"\[ubuntu\] ✓ build web [0-9.]+s\n", plain.getvalue())


def test_for_cron_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alive, "EVERY", 0.001)
    console = Console()
    console.hush()
    with redirect_stdout(Written()) as plain, console.waiting("ubuntu", "backup"):
        threading.Event().wait(0.05)
    assert plain.getvalue() == ""


def test_on_a_terminal_the_last_line_and_the_time_are_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    with redirect_stdout(Written(terminal=True)) as output:
        console = Console()
        console.hide([SECRET])
        with console.step("ubuntu", "build web"):
            console.told("ubuntu", f"{SECRET} {'and more words ' * 9}")
            shown = output.until(r"build web.*0:00:0\d.*\[hidden\] and more")
    widths = [len(re.sub(r"\x1b\[[0-9;?]*\w", "", line)) for line in re.split(r"[\r\n]", shown)]
    assert max(widths) <= 60


def test_with_json_it_goes_to_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alive, "EVERY", 0.01)
    with (
        redirect_stdout(Written()) as output,
        redirect_stderr(Written()) as errors,
        Console(as_json=True).waiting("ubuntu", "backup"),
    ):
        errors.until(r"^\[ubuntu\] … backup \d+s\n")
    assert output.getvalue() == ""


def test_a_command_tells_its_last_line_while_it_runs(tmp_path: Path) -> None:
    """It goes on when that was heard, and its own end is none of it."""
    heard: list[str] = []

    def told(text: str) -> None:
        heard.append(text)
        (tmp_path / text).touch()

    script = f"""
echo one; echo; until [ -e {tmp_path}/one ]; do sleep 0.01; done
printf 'some\\rtwo' >&2; until [ -e {tmp_path}/two ]; do sleep 0.01; done
"""
    ran = Shells(Context()).run(quoted(["bash", "-c", script], 60), b"", 60, told)
    assert (ran.code, ran.out, ran.errors) == (0, b"one\n\n", b"some\rtwo")
    assert list(dict.fromkeys(heard)) == ["one", "two"]


def test_what_the_shell_itself_prints_is_told_to_nobody() -> None:
    heard = _Heard(b"mark")
    seen = []
    for data in (b"Welcome\n", b"mark\n", b"own\n", b"\nmark 0\n"):
        heard.take(data)
        seen.append(heard.last)
    assert seen == ["", "", "own", ""]


def test_of_several_commands_in_one_round_trip_no_mark_is_told(tmp_path: Path) -> None:
    heard: list[str] = []
    host = Host(replace(SERVER, connection="local"), Context())
    here = tmp_path / "heard"

    def told(text: str) -> None:
        heard.append(text)
        here.write_text(text)

    host.told = told
    script = f"echo $0; until grep -qsx $0 {here}; do sleep 0.01; done"
    host.write_all([Change(["bash", "-c", script, word]) for word in ("one", "two", "three")])
    assert list(dict.fromkeys(heard)) == ["one", "two", "three"]
    host.read(["echo", "a secret of a look"])
    assert heard[-1] == "three"


def test_bytes_are_counted_and_told_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe, "TOLD", 0)
    heard: list[str] = []
    count = Counted(heard.append)
    assert [count.take(data) for data in (b"a" * 2000, b"", b"b" * 500)] == [
        b"a" * 2000, b"", b"b" * 500,
    ]  # fmt: skip
    assert heard == ["2.0 kB", "2.0 kB", "2.5 kB"]
