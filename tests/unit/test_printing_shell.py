"""A login shell that prints whenever it starts: what a command answers is the command's own.

Here ``BASH_ENV`` stands for ``~/.bashrc``, which bash reads when sshd starts it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from invoke import Context

from fabfile.model.errors import Trouble
from fabfile.remote.host import Host
from fabfile.remote.lock import Lock
from fabfile.remote.output import Output
from tests.unit.builders import SERVER

PRINTING = {
    "a line": "echo hi",
    "no whole line": "printf hi",
    "errors too": "echo oh >&2; printf 'bash: warning' >&2; printf hi",
    "what it runs": "set -x; echo hi",
    "what it is told": 'echo "$BASH_EXECUTION_STRING"; echo "$BASH_EXECUTION_STRING" >&2',
    "at its end": "trap 'echo bye; echo bye >&2' EXIT",
    "what looks like the lock": "echo LOCKED in turn",
    "much": "head -c 300000 /dev/zero",
}


@pytest.fixture(params=list(PRINTING.values()), ids=list(PRINTING))
def host(request: pytest.FixtureRequest, start: Callable[[str], Host]) -> Host:
    """A server whose shell prints at every start."""
    return start(request.param)


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Host]:
    """A server with this start-up file."""

    def made(startup: str) -> Host:
        # Only the shell that gets the line reads it, as with a login shell.
        file = tmp_path / "bashrc"
        file.write_text(f"unset BASH_ENV\n{startup}\n")
        monkeypatch.setenv("BASH_ENV", str(file))
        (tmp_path / "locks").mkdir()
        return Host(replace(SERVER, root=PurePosixPath(tmp_path), connection="local"), Context())

    return made


def test_what_is_read_is_the_commands_own(host: Host) -> None:
    output = host.read(["bash", "-c", "echo out; echo err >&2; exit 3"], check=False)
    assert output == Output(3, "out\n", "err\n")
    assert host.read(["true"]) == Output(0, "", "")


def test_what_a_change_answers_is_its_own_in_turn_and_out_of_it(host: Host) -> None:
    words = ["bash", "-c", "cat; echo err >&2"]
    assert host.write(words, stdin="in\n") == Output(0, "in\n", "err\n")
    with Lock(host, "anna"):
        assert host.turn is not None
        assert host.write(words, stdin="in\n") == Output(0, "in\n", "err\n")


def test_the_lock_is_held_by_one(host: Host) -> None:
    with (
        Lock(host, "anna"),
        pytest.raises(Trouble, match=r"another change is running: anna; wait"),
        Lock(host, "bert"),
    ):
        pass


def test_what_is_streamed_is_the_commands_own(host: Host) -> None:
    def failed(output: Output) -> Trouble:
        return Trouble(f"{output.code} {output.stderr}")

    with host.stream(["head", "-c", "600000", "/dev/zero"], timeout=20, failed=failed) as stream:
        assert stream.read() == bytes(600_000)
    words = ["bash", "-c", "printf some; echo why >&2; exit 7"]
    with (
        host.stream(words, timeout=20, failed=failed) as stream,
        pytest.raises(Trouble, match=r"^7 why\n$"),
    ):
        stream.read()


def test_what_is_poured_is_answered_by_the_command(host: Host) -> None:
    words = ["bash", "-c", "wc -c; echo err >&2; exit 3"]
    output = host.pour(words, [b"some"], timeout=20)
    assert (output.code, output.stdout.strip(), output.stderr) == (3, "4", "err\n")


def test_what_is_followed_is_the_commands_own(host: Host) -> None:
    lines: list[str] = []
    host.follow(["printf", "a\\nb\\n"], lines.append)
    assert lines == ["a", "b"]


@pytest.mark.parametrize("startup", ["echo 'This account is not available.'; exit 1", "exit 0"])
def test_a_shell_that_runs_nothing_is_named_as_what_it_is(
    start: Callable[[str], Host], startup: str
) -> None:
    """As nologin, a forced command, or a start-up file that ends does."""
    host = start(startup)
    code = startup.rpartition(" ")[2]
    why = (
        "^ubuntu: the command was not run: the login shell of ubuntu ended with exit code"
        f" {code} before it; is it nologin, does sshd_config have a ForceCommand, does"
        r" ~/\.bashrc end it\?$"
    )

    def streamed() -> None:
        with host.stream(["ls"], timeout=9, failed=lambda _: Trouble("failed")) as stream:
            stream.read()

    for do in (
        lambda: host.read(["ls"], check=False),
        lambda: host.write(["ls"], check=False),
        lambda: host.pour(["cat"], [b"some"], timeout=9),
        lambda: host.follow(["ls"], print),
        streamed,
    ):
        with pytest.raises(Trouble, match=why) as caught:
            do()
        assert caught.value.code == 2
        assert caught.value.evidence == (("This account is not available.",) if code == "1" else ())
