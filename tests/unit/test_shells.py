"""Shells that stay: how many there are, how they end, and what becomes of the command then."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from invoke import Context

from fabfile.model.errors import Trouble
from fabfile.ops.session import side_by_side
from fabfile.remote import host as host_module
from fabfile.remote.commands import shell as shell_module
from fabfile.remote.commands.shell import LINE
from fabfile.remote.host import Host
from fabfile.remote.lock import Lock
from tests.unit.builders import SERVER

from .shelling import PARENT, bash, path, shell_of
from .sshd import Sshd
from .test_following import alive


@pytest.fixture
def host(anywhere: Host) -> Host:
    return anywhere


def test_one_session_serves_many_commands(far: Host, sshd: Sshd) -> None:
    shells = {shell_of(far) for _ in range(5)}
    (line,) = sshd.lines
    assert (len(shells), line.startswith(LINE)) == (1, True)


@pytest.mark.parametrize("cut", [False, True])
def test_the_shell_ends_with_its_connection(far: Host, sshd: Sshd, cut: bool) -> None:
    shell = shell_of(far)
    assert alive(shell)
    sshd.cut() if cut else far.close()
    far.wait("the shell's end", lambda: not alive(shell), 20)


def test_on_this_machine_no_shell_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And each gets the environment as it is now."""
    host = Host(replace(SERVER, root=PurePosixPath(tmp_path), connection="local"), Context())
    shell = shell_of(host)
    assert not alive(shell)
    monkeypatch.setenv("LATER", "set")
    assert bash(host, "echo $LATER") == "set\n"


def gated(host: Host, script: str = "") -> tuple[Path, list[str]]:
    """A change that says that it has begun, waits for its gate, prints, and says that it ended."""
    gate = path(host, "gate")
    os.mkfifo(gate)
    whole = f"""
echo begun >>"$1/begun"; {script} read -r line <"$1/gate"
echo out && echo err >&2 && echo more && touch "$1/ended"
"""
    return gate, ["bash", "-c", whole, "change", str(host.server.root)]


def test_a_change_in_a_turn_goes_on_when_its_connection_is_cut(far: Host, sshd: Sshd) -> None:
    gate, change = gated(far)
    with Lock(far, "anna"):
        changing = threading.Thread(target=lambda: lost.append(refusal(far, change)))
        lost: list[str] = []
        changing.start()
        far.wait("the change", path(far, "begun").exists, 20)
        sshd.cut()
        changing.join()
    assert lost == ["ubuntu: the connection is lost (it was cut)"]
    gate.write_text("go on\n")
    far.wait("its end", path(far, "ended").exists, 20)
    assert path(far, "begun").read_text() == "begun\n"


def refusal(host: Host, words: list[str]) -> str:
    with pytest.raises(Trouble) as caught:
        host.write(words, timeout=60)
    return caught.value.message


def test_the_shell_holds_nothing_of_a_turn(host: Host) -> None:
    """Whoever looks is in the turn: the file of it is open in the guard alone."""
    script = """
shell=$PPID
for _ in 1 2 3; do shell=$(ps -o ppid= -p $shell); done
ls -l /proc/${shell// /}/fd
"""
    with Lock(host, "anna"):
        output = host.write(["bash", "-c", script]).stdout
    assert "pipe:" in output
    assert "step" not in output


def test_a_shell_that_ended_while_nothing_ran_is_replaced(far: Host) -> None:
    shell = shell_of(far)
    os.kill(shell, signal.SIGKILL)
    script = f"echo once >>{path(far, 'did')}; {PARENT}"
    assert int(bash(far, script)) != shell
    assert path(far, "did").read_text() == "once\n"


def test_a_command_whose_shell_ends_is_not_run_again(host: Host) -> None:
    shell_of(host)
    script = f"echo once >>{path(host, 'did')}; kill -KILL $({PARENT})"
    with pytest.raises(Trouble, match=r"^ubuntu: the connection is lost \(the shell that ran it "):
        bash(host, script)
    assert path(host, "did").read_text() == "once\n"
    assert bash(host, "echo next") == "next\n"


def test_a_shell_that_does_not_begin_is_given_up(
    far: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell = shell_of(far)
    monkeypatch.setattr(shell_module, "TAKEN", 0.5)
    os.kill(shell, signal.SIGSTOP)
    try:
        with pytest.raises(Trouble, match=r"^ubuntu: no answer for 0\.5 s; the host hangs or "):
            bash(far, "true", timeout=60)
    finally:
        with suppress(ProcessLookupError):
            os.kill(shell, signal.SIGKILL)
    assert bash(far, "echo next") == "next\n"


def test_a_shell_whose_command_keeps_still_is_given_up(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, change = gated(host)
    bash(host, "true")
    monkeypatch.setattr(host_module, "GRACE", -59)
    with pytest.raises(Trouble, match=r"^ubuntu: no answer for 1 s; the host hangs or "):
        host.write(change, timeout=60)
    monkeypatch.undo()
    assert bash(host, "echo next") == "next\n"
    gate.write_text("go on\n")


def test_ctrl_c_is_raised_when_the_command_has_ended(host: Host) -> None:
    gate, change = gated(host)

    def press() -> None:
        host.wait("the command", path(host, "begun").exists, 20)
        os.kill(os.getpid(), signal.SIGINT)
        gate.write_text("go on\n")

    pressing = threading.Thread(target=press)
    pressing.start()
    with pytest.raises(KeyboardInterrupt):
        host.write(change)
    pressing.join()
    assert path(host, "ended").exists()
    assert bash(host, "echo next") == "next\n"


def test_several_at_once_have_a_shell_each_and_leave_it_to_the_next(host: Host, sshd: Sshd) -> None:
    for _ in range(3):
        answers = side_by_side(lambda at: bash(host, f"echo {at}; {PARENT}").split(), range(20))
        assert {at: words[0] for at, words in answers.items()} == {at: str(at) for at in range(20)}
    assert sshd.most <= 8
    assert len(sshd.lines) == sshd.most, "none is opened twice"


def test_where_two_sessions_are_given_two_commands_run_at_once(
    opened: Callable[[Sshd], Host],
) -> None:
    few = Sshd(2)
    host = opened(few)
    answers = side_by_side(lambda at: bash(host, f"echo {at}"), range(8))
    assert answers == {at: f"{at}\n" for at in range(8)}
    assert (few.most, len(few.lines)) == (2, 2)
