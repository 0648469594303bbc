"""What is tied to a terminal or to pipes: the bytes, the signals, and who stands by."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from invoke import Context

from fabfile.model.errors import Trouble
from fabfile.remote.host import Host
from fabfile.remote.inside import attached, here
from fabfile.remote.inside.attached import WATCH, Behind, Watch, attach
from fabfile.remote.inside.commands import CONSOLE
from fabfile.remote.inside.here import Here
from tests.lab.terminal import window

from .builders import SERVER

PSQL = ["psql", "U", "N", "P"]
DOCKER = """#!/bin/bash
printf '%s\\n' "${*##*$'\\n'}" >>"$CALLS"
[ "$1" != exec ] || [ "${*: -2:1}" != 0 ] || exit 1
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What an engine is told; a command that is looked for in a container has ended."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "docker").write_text(DOCKER)
    (tmp_path / "bin" / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    (tmp_path / "calls").touch()
    return tmp_path / "calls"


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize(("mark", "times"), [("M@\n", 1), ("M@\r\n", 2)])
def test_what_a_login_shell_prints_is_no_output(size: int, mark: str, times: int) -> None:
    behind = Behind(mark, times)
    data = f"welcome M{mark * times}own M@\n".encode()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert b"".join(behind.own(piece) for piece in pieces) == b"own M@\n"
    assert behind.begun


def test_without_the_mark_nothing_has_begun() -> None:
    behind = Behind("M\n")
    assert (behind.own(b"no account"), behind.begun, behind.kept) == (b"", False, b"no account")


class Piped(Here):
    """An operator with pipes."""

    def __init__(self, given: bytes) -> None:
        self.terminal = False
        self.stdin, typed = os.pipe()
        threading.Thread(target=self._give, args=(typed, given), daemon=True).start()
        self.out = self.errors = b""

    def _give(self, typed: int, given: bytes) -> None:
        with os.fdopen(typed, "wb") as stream:
            stream.write(given)

    def write(self, out: bytes, errors: bytes) -> None:
        self.out += out
        self.errors += errors


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A server that operates itself: here."""
    return Host(replace(SERVER, root=PurePosixPath(tmp_path), connection="local"), Context())


def run(host: Host, here: Here, *words: str) -> int:
    return attach(host, words, Watch(host, "exec", "box", "f00d" * 4), here)


def test_bytes_pass_as_they_are_and_so_does_the_exit_code(host: Host, calls: Path) -> None:
    data = bytes(range(256)) * 4000
    near = Piped(data)
    assert run(host, near, "bash", "-c", "cat; echo x >&2; exit 7") == 7
    assert (near.out == data, near.errors) == (True, b"x\n")
    assert calls.read_text() == ""


def test_a_command_that_reads_nothing_ends_all_the_same(host: Host, calls: Path) -> None:
    near = Piped(b"x" * 1_000_000)
    assert run(host, near, "printf", "%s|", "a b", "", "$(id)") == 0
    assert near.out == b"a b||$(id)|"


def test_what_nobody_reads_any_more_ends_there_too(host: Host, calls: Path) -> None:
    class Gone(Piped):
        def write(self, out: bytes, errors: bytes) -> None:
            if out:
                raise BrokenPipeError

    assert run(host, Gone(b""), "yes") == 128 + signal.SIGPIPE
    _until(lambda: "signal HUP" in calls.read_text())


def test_ctrl_c_goes_to_the_program_and_the_third_ends_it_from_here(
    host: Host, calls: Path
) -> None:
    class Presses(Piped):
        def write(self, out: bytes, errors: bytes) -> None:
            super().write(out, errors)
            for number in range(1, self.out.count(b"\n") + 1):
                if number > self.pressed:
                    self.pressed = number
                    os.kill(os.getpid(), signal.SIGINT)

        pressed = 0

    script = 'echo; until [ -s "$CALLS" ]; do sleep 0.1; done; echo; echo; sleep 600'
    with pytest.raises(Trouble, match="ended by Ctrl-C") as raised:
        run(host, Presses(b""), "bash", "-c", script)
    assert raised.value.code == 130
    _until(lambda: "signal HUP" in calls.read_text())
    assert "signal INT f00d" in calls.read_text()


def test_a_server_that_is_not_heard_of_is_lost(
    host: Host, calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attached, "BEAT", 0.1)
    monkeypatch.setattr(attached, "WATCH", "read -r _; echo ready; read -r _")
    with pytest.raises(Trouble, match="the connection is lost") as raised:
        run(host, Piped(b""), "sleep", "600")
    assert raised.value.code == 255


ON_A_TERMINAL = """
import sys
from dataclasses import replace
from invoke import Context
from fabfile.remote.host import Host
from fabfile.remote.inside.attached import Watch, attach
from fabfile.remote.inside.here import Here
from tests.unit.builders import SERVER
host = Host(replace(SERVER, connection="local"), Context())
sys.exit(attach(host, sys.argv[1:], Watch(host, "exec", "box", "f00d"), Here()))
"""


def test_a_server_that_operates_itself_gives_a_command_the_terminal(calls: Path) -> None:
    ask = "stty size; read -r word; echo got $word; exit 5"
    words = [sys.executable, "-c", ON_A_TERMINAL, "bash", "-c", ask]
    with window(words, Path(__file__).parents[2], os.environ) as there:
        assert there.until("24 80").strip() == "24 80"
        there.type("hello\n")
        there.until("got hello")
        assert there.ended().code == 5


@pytest.mark.parametrize(
    ("kind", "said", "told"),
    [
        ("exec", "bye\n", []),
        ("once", "bye\n", ["rm --force box"]),
        ("exec", "", ["signal HUP f00d", "signal 0 f00d"]),
        ("exec", "beat\n", ["signal HUP f00d", "signal 0 f00d"]),
        ("once", "beat\n", ["stop -t 5 box", "rm --force box"]),
    ],
)
def test_whoever_stands_by_ends_what_nobody_waits_for(
    calls: Path, kind: str, said: str, told: list[str]
) -> None:
    done = subprocess.run(
        ["bash", "-c", WATCH, "watch", "60", kind],
        input=f"f00d box\n{said}",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.splitlines() == ["ready", *(["there"] if said == "beat\n" else [])]
    lines = calls.read_text().splitlines()
    assert [line[line.find("signal ") :] if "signal" in line else line for line in lines] == told


def test_whoever_hears_nothing_takes_them_for_gone(calls: Path) -> None:
    with subprocess.Popen(
        ["bash", "-c", WATCH, "watch", "1", "once"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as standing:
        assert standing.stdin
        standing.stdin.write(b"f00d box\n")
        standing.stdin.flush()
        assert standing.wait(60) == 0
    assert calls.read_text().splitlines() == ["stop -t 5 box", "rm --force box"]


def test_a_client_that_could_go_on_is_ended_first(calls: Path) -> None:
    with subprocess.Popen(["bash", "-c", "sleep 600; :", "cafe4711"]) as client:
        subprocess.run(
            ["bash", "-c", WATCH, "watch", "60", "once"],
            input=b"cafe4711 box\n",
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=60,
        )
        assert client.wait(60) == -signal.SIGTERM


def test_the_terminal_is_as_it_was_however_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    keys, screen = pty.openpty()
    for name in ("STDIN", "STDOUT"):
        monkeypatch.setattr(here, name, screen)
    near = Here()
    before = termios.tcgetattr(screen)
    for number in (signal.SIGTERM, signal.SIGHUP):
        with pytest.raises(Trouble) as raised:
            _ended_by(number, near, screen)
        assert raised.value.code == 128 + number
        assert termios.tcgetattr(screen) == before
    assert near.terminal
    os.close(keys)
    os.close(screen)


@pytest.mark.parametrize(
    ("programs", "keys", "environment", "said"),
    [
        (["psql"], PSQL, {"U": "me", "N": "it", "P": "s3"}, "psql -U me -d it|s3||"),
        (["psql"], PSQL, {"PGPASSWORD": "own", "P": "s3"}, "psql -U  -d |own||"),
        (["redis-server", "redis-cli", "python3"], [], {"REDIS_PASSWORD": "s3"}, "redis-cli ||s3|"),
        (["redis-cli", "python"], [], {}, "python |||"),
        ([], [], {}, "sh |||"),
    ],
)  # fmt: skip
def test_a_console_is_that_of_what_the_container_has(
    tmp_path: Path, programs: list[str], keys: list[str], environment: dict[str, str], said: str
) -> None:
    for name in (*programs, "sh"):
        file = tmp_path / name
        file.write_text(f'#!/bin/sh\necho "{name} $*|$PGPASSWORD|$REDISCLI_AUTH|"\n')
        file.chmod(0o755)
    (tmp_path / "printenv").symlink_to("/usr/bin/printenv")
    done = subprocess.run(
        ["/bin/sh", "-c", CONSOLE, "console", *keys],
        env={"PATH": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == (f"{said}\n", "")


def _ended_by(number: int, near: Here, screen: int) -> None:
    with near.signals(lambda: None, lambda: None), near.raw():
        assert not termios.tcgetattr(screen)[3] & termios.ICANON
        os.kill(os.getpid(), number)


def _until(true: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(600):
        if true():
            return
        pause.wait(0.1)
    sys.exit("it did not come true")
