"""Commands in containers: through pipes byte for byte, on a terminal, and when nobody is there."""

from __future__ import annotations

import os
import secrets
import subprocess
import time
from contextlib import AbstractContextManager

import pytest

from tests.lab import terminal
from tests.lab.deployments import FAB
from tests.lab.full import full
from tests.lab.rig.server import Server
from tests.lab.scenes import Scene
from tests.lab.terminal import Window

pytest_plugins = ("tests.lab.deployed", "tests.lab.staged")

SERVICE = "core-api"
SLEEPER = "import time; print('begun', flush=True); time.sleep(4711)"
CAUGHT = """
import time
try:
    print('begun', flush=True)
    time.sleep(4711)
except KeyboardInterrupt:
    print('caught')
    raise SystemExit(42)
"""
FIND = "for at in /proc/[0-9]*; do tr '\\0' ' ' <$at/cmdline; echo; done 2>/dev/null"


def left(server: Server, mark: str) -> list[str]:
    """The processes that have this among their words, in containers too."""
    return [line for line in server.must(["sh", "-c", FIND]).splitlines() if mark in line]


def gone(server: Server, mark: str, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while left(server, mark) and time.monotonic() < end:
        time.sleep(0.2)
    return not left(server, mark)


def piped(scene: Scene, *words: str, stdin: bytes = b"") -> tuple[int, bytes, bytes]:
    """``fab`` with pipes for all; exit code, output and errors as bytes."""
    operator = scene.operator
    bare = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    done = subprocess.run(
        [FAB, *words],
        cwd=operator.tasks,
        env={**bare, **operator.environment, "HOSTS_INI": str(operator.hosts_ini)},
        input=stdin,
        capture_output=True,
        timeout=300,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def window(scene: Scene, *words: str) -> AbstractContextManager[Window]:
    """``fab`` on a terminal."""
    operator = scene.operator
    bare = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    return terminal.window(
        [str(FAB), *words],
        operator.tasks,
        {
            **bare,
            **operator.environment,
            "HOSTS_INI": str(operator.hosts_ini),
            "TERM": "xterm",
            "PYTHONUNBUFFERED": "1",
        },
    )


@full
def test_bytes_and_words_pass_as_they_are(scene: Scene) -> None:
    data = bytes(range(256)) * 40_000
    code, out, errors = piped(scene, "ubuntu.exec", SERVICE, "--", "cat", stdin=data)
    assert (code, len(out), out == data, errors) == (0, len(data), True, b"")
    words = ["a b", "", "$(id)", "it's", '"', "-x", "--", "two\nlines", "*", "é☃"]
    show = "import sys; sys.stdout.write(repr(sys.argv[1:])); sys.stderr.write('e'); sys.exit(7)"
    for task in ("exec", "run"):
        given = [f"ubuntu.{task}", SERVICE, "--", "python", "-c", show, *words]
        assert piped(scene, *given) == (7, repr(words).encode(), b"e"), task
    code, out, errors = piped(scene, "ubuntu.run", SERVICE, "--", "cat", stdin=data)
    assert (code, out == data, errors) == (0, True, b"")


@full
def test_a_terminal(scene: Scene) -> None:
    with window(scene, "ubuntu.exec", SERVICE, "--", "python", "-c", CAUGHT) as there:
        there.until("begun")
        assert there.raw
        there.type("\x03")
        there.until("caught")
        assert there.ended().code == 42
    with window(scene, "ubuntu.exec", SERVICE, "--", "python") as there:
        there.until(">>> ")
        there.type("import os; os.get_terminal_size()\r")
        there.until("columns=80, lines=24")
        there.resize(100, 30)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            there.type("os.get_terminal_size()\r")
            if "columns=100, lines=30" in there.until(")\r\n"):
                break
        else:
            raise AssertionError
        there.type("\x04")
        assert there.ended().code == 0
    with window(scene, "ubuntu.console", "db") as there:
        there.until("=# ")
        there.type("select 40 + 2 as answer;\r")
        there.until("42")
        there.type("\\q\r")
        assert there.ended().code == 0
    with window(scene, "ubuntu.console", "redis") as there:
        there.until("> ")
        there.type("ping\r")
        there.until("PONG")
        there.type("quit\r")
        assert there.ended().code == 0
    assert piped(scene, "ubuntu.console", "db", stdin=b"select 1;\n")[0] == 0
    assert piped(scene, "ubuntu.console", SERVICE, stdin=b"print(6 * 7)\n")[:2] == (0, b"42\n")


SSHD = """
for at in /proc/[0-9]*; do
  case $(tr '\\0' ' ' <"$at/cmdline") in sshd*': ubuntu@'*) kill -9 "${at#/proc/}" ;; esac
done 2>/dev/null
true
"""


@full
@pytest.mark.parametrize("task", ["exec", "run"])
@pytest.mark.parametrize("how", ["lost", "closed", "terminated"])
def test_what_nobody_is_there_for_ends(scene: Scene, task: str, how: str) -> None:
    """The connection is lost, the window is closed, or the process here is told to end."""
    mark, before = secrets.token_hex(8), set(scene.boxes())
    words = (f"ubuntu.{task}", SERVICE, "--", "python", "-c", SLEEPER, mark)
    with window(scene, *words) as there:
        there.until("begun")
        assert left(scene.ubuntu, mark)
        if how == "lost":
            scene.ubuntu.must(["sh", "-c", SSHD])
            typed = there.ended()
            assert (typed.code, "the connection is lost" in typed.shown) == (255, True)
        elif how == "terminated":
            there.running.terminate()
            assert there.ended().code == 143
    assert gone(scene.ubuntu, mark, 60), left(scene.ubuntu, mark)
    end = time.monotonic() + 60
    while set(scene.boxes()) != before:
        assert time.monotonic() < end, scene.boxes()
