"""Commands in shells that stay: what holds for one alone in its session holds in them too.

Words: test_quoting.py; a server that prints by itself: test_printing_shell.py.
"""

from __future__ import annotations

import os
import secrets
import shlex
from pathlib import Path

import pytest

from fabfile.model.errors import Trouble
from fabfile.remote.commands import shell as shell_module
from fabfile.remote.commands.duplex import Near
from fabfile.remote.commands.line import quoted
from fabfile.remote.commands.shell import LINE, LOOP, NotBegun, Shell
from fabfile.remote.host import Host
from fabfile.remote.output import Output

from .shelling import bash, path, ran
from .test_following import alive


@pytest.fixture
def host(anywhere: Host) -> Host:
    return anywhere


def test_both_outputs_and_the_code_come_to_the_byte(host: Host) -> None:
    script = "printf '%b' \"$(printf '\\\\0%o' {0..255})\"; printf 'no end' >&2; exit 3"
    assert ran(host, script) == (3, bytes(range(256)), b"no end")
    assert ran(host, "echo; exit 255") == (255, b"\n", b"")
    assert ran(host, "kill -9 $$") == (137, b"", b"")


def test_an_input_comes_to_the_byte_and_ends(host: Host) -> None:
    given = bytes(range(256)) * 3
    assert ran(host, "cat; cat >&2", given) == (0, given, b"")


def test_large_answers_and_inputs_take_time_in_proportion(host: Host) -> None:
    """In proportion to their square these 8 MiB would take minutes."""
    many = bytes(8 << 20)
    assert ran(host, "head -c 8388608 /dev/zero") == (0, many, b"")
    assert ran(host, "head -c 8388608 /dev/zero >&2") == (0, b"", many)
    assert ran(host, "wc -c", many).out.strip() == b"8388608"


def test_nothing_that_a_command_prints_ends_it(host: Host, marks: list[str]) -> None:
    """It can print all that it finds, in whatever form, but the mark stands nowhere."""
    script = """
for it in $$ $PPID $(ps -o ppid= -p $PPID); do
  tr '\\0' '\\n' </proc/$it/cmdline; tr -d '\\0' </proc/$it/cmdline
  tr '\\0' '\\n' </proc/$it/environ
done
echo "$1 0"; echo go; echo "run a b 4 0"; printf %s "$1"; echo " 7"; echo "$1" >&2
"""
    bash(host, "true")
    former = "".join(marks[:2])
    output = host.read(["bash", "-c", script, "print", former])
    assert output.stdout.endswith(f"{former} 0\ngo\nrun a b 4 0\n{former} 7\n")
    assert output.stderr == f"{former}\n"
    assert len(marks) == 4
    first, second = marks[2:]
    assert f"{first}{second}" not in output.stdout
    assert f"{second}{first}" in output.stdout or first not in output.stdout


@pytest.fixture
def marks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The halves of all marks."""
    made: list[str] = []

    def token(size: int) -> str:
        made.append(secrets.token_hex(size))
        return made[-1]

    fake = type("Secrets", (), {"token_hex": staticmethod(token)})
    monkeypatch.setattr(shell_module, "secrets", fake)
    return made


def test_what_a_command_does_not_read_is_run_by_nobody(host: Host) -> None:
    given = f"run a b 4 0\ntruego\ntouch {path(host, 'made')}\nexit 9\n".encode()
    for text in (given, given * 9000):
        for script, out in (("true", b""), ("read -r line; echo $line", b"run a b 4 0\n")):
            assert ran(host, script, text) == (0, out, b"")
            assert ran(host, "exec <&-; echo closed", text) == (0, b"closed\n", b"")
            assert ran(host, "cat") == (0, b"", b"")
    assert not path(host, "made").exists()


def test_a_secret_is_seen_by_its_command_alone(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No process of its shell has it among its words or settings, and no file."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    script = """
read -r secret
for file in /proc/$$/ /proc/$PPID/ /proc/$(ps -o ppid= -p $PPID | tr -d ' ')/; do
  for about in cmdline environ; do
    while IFS= read -r -d '' word || [ -n "$word" ]; do
      [[ $word != *"$secret"* ]] || echo "in $file$about"
    done <"$file$about"
  done
done
for place in "$TMPDIR" "$1"; do find "$place" -type f -size +0; done
echo "${#secret}"
"""
    secret = secrets.token_hex(50)
    assert bash(host, script, str(host.server.root), stdin=f"{secret}\n") == "100\n"
    assert bash(host, 'echo "$(set; env)"').count(secret) == 0


@pytest.mark.parametrize("missing", [1, 3, 4, 40, 300])
def test_a_command_that_came_by_half_is_not_begun(tmp_path: Path, missing: int) -> None:
    """As when the connection ends in the middle."""

    class Half(Near):
        def write(self, data: bytes) -> None:
            super().write(data[:-missing])
            self.no_more()

    line = quoted(["bash", "-c", 'cat; touch "$1"', "take", str(tmp_path / "begun")], 5)
    shell = Shell(Half())
    with pytest.raises(NotBegun):
        shell.run(line, b"x" * 150, 20)
    shell.close()
    assert not (tmp_path / "begun").exists()


def test_a_command_without_an_input_gets_an_empty_one(host: Host) -> None:
    assert bash(host, "readlink /proc/self/fd/0; cat") == "/dev/null\n"


def test_a_command_gets_three_descriptors_and_the_environment_of_one_alone(host: Host) -> None:
    script = (
        "cd /proc/$$/fd; for fd in {0..99}; do [ ! -e $fd ] || readlink $fd | cut -d: -f1; done"
    )
    assert bash(host, script).split() == ["/dev/null", "pipe", "pipe"]
    assert bash(host, script, stdin="some").split() == ["pipe"] * 3
    with host.stream(["env", "-0"], timeout=20, failed=lambda _: Trouble("failed")) as stream:
        alone = stream.read().decode()
    assert sorted(host.read(["env", "-0"]).stdout.split("\0")) == sorted(alone.split("\0"))


def test_nothing_of_a_command_is_left_for_the_next(host: Host) -> None:
    state = "pwd; umask; ulimit -n; trap; export -p"
    before = bash(host, state)
    bash(host, "cd /; umask 0; ulimit -n 20; trap 'echo bye' EXIT; export LEFT=over; exec 7>&1")
    assert bash(host, state) == before


def test_what_the_environment_sets_in_every_shell_does_not_end_one(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "strict").write_text("set -euo pipefail\n")
    monkeypatch.setenv("BASH_ENV", str(tmp_path / "strict"))
    assert host.read(["false"], check=False) == Output(1, "", "")
    assert ran(host, "echo $-; exit 3") == (3, b"ehuBc\n", b"")


def test_what_a_command_leaves_running_is_not_waited_for_and_prints_to_nobody(host: Host) -> None:
    script = """
(trap '' TERM; for n in 1 2 3; do read -r go; done <"$1"; echo late; echo late >&2) & echo $!
"""
    gate = path(host, "gate")
    os.mkfifo(gate)
    process = int(bash(host, script, str(gate)))
    keeping = os.open(gate, os.O_RDWR)
    try:
        bash(host, "true")
        os.write(keeping, b"go\n" * 3)
        host.wait("its end", lambda: not alive(process), 20)
        assert host.read(["echo", "next"]) == Output(0, "next\n", "")
    finally:
        os.close(keeping)


@pytest.mark.parametrize("output", [1, 2])
def test_what_goes_on_printing_is_ended_and_spoils_nothing(host: Host, output: int) -> None:
    pid = path(host, "pid")
    flood = ["bash", "-c", f'yes >&{output} & echo $! >"$1"', "flood", str(pid)]
    ended = host.read(flood)
    assert set((ended.stdout + ended.stderr).split()) <= {"y"}
    process = int(pid.read_text())
    for number in range(5):
        assert host.read(["echo", str(number)]) == Output(0, f"{number}\n", "")
    host.wait("its end", lambda: not alive(process), 20)


def test_the_deadline_ends_a_command_on_the_server(host: Host) -> None:
    process = path(host, "process")
    with pytest.raises(Trouble, match=r"did not end within 0\.5 s$"):
        bash(host, f"echo $$ >{process}; sleep 60; echo", timeout=0.5)
    assert not alive(int(process.read_text()))
    assert bash(host, "echo next") == "next\n"


@pytest.mark.parametrize("login", ["bash", "dash"])
def test_the_login_shell_may_be_another_one(login: str) -> None:
    """What they do not understand alike stands nowhere within its quotes."""
    assert not set("'\\") & set(LOOP)

    class Login(Near):
        def begin(self, line: str) -> None:
            super().begin(f'exec env - PATH="$PATH" {login} -c {shlex.quote(line)}')

    for given in (b"", b"it's\n"):
        shell = Shell(Login())
        words = ["bash", "-c", 'printf %s "$1"; cat', "it's", "it's\\n'"]
        assert shell.run(quoted(words, 5), given, 20) == (0, b"it's\\n'" + given, b"")
        assert shell.run(quoted(words, 5), given, 20) == (0, b"it's\\n'" + given, b"")
        shell.close()


@pytest.mark.parametrize(("given", "asked"), [(b"", 1), (b"secret", 0)])
def test_the_first_command_goes_with_the_shell_unless_it_has_an_input(
    given: bytes, asked: int
) -> None:
    begun, told = [], []

    class Heard(Near):
        def begin(self, line: str) -> None:
            begun.append(line)
            super().begin(line)

        def write(self, data: bytes) -> None:
            told.append(data)
            super().write(data)

    shell = Shell(Heard())
    assert shell.run(quoted(["cat"], 5), given, 20) == (0, given, b"")
    assert (len(begun), len(told)) == (1, 1 - asked)
    assert begun[0].startswith(LINE)
    shell.run(quoted(["cat"], 5), given, 20)
    assert (len(begun), len(told)) == (1, 2 - asked)
    shell.close()
