"""Quoting: a list of words reaches the remote program as exactly these words."""

from __future__ import annotations

import subprocess

from hypothesis import example, given, settings
from hypothesis import strategies as st

from fabfile.remote.commands.duplex import Near
from fabfile.remote.commands.line import command_line, quoted
from fabfile.remote.commands.shell import Shell

WORD = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


def received(words: list[str]) -> list[str]:
    """The words that a program gets when a login shell runs the line."""
    line = command_line(["printf", "%s\\0", *words], 5, has_stdin=False)
    done = subprocess.run(["bash", "-c", line.text], capture_output=True, check=True)
    own = line.own(done.stdout.decode())
    assert own is not None
    return own.split("\0")[:-1]


@settings(max_examples=40)
@given(st.lists(WORD, min_size=1, max_size=8))
@example(["$(id -u)", "`id`", "$HOME", "!!", "a;b", "a&&b", "|", ">x", "*", "~", "{a,b}", "-n"])
@example(["", " ", "\t", "\n", "'", '"', "\\", "'\"'\"'", "#", "é\u2028"])
def test_words_arrive_unchanged(words: list[str]) -> None:
    assert received(words) == words


@settings(max_examples=40)
@given(st.lists(WORD, min_size=1, max_size=8))
@example(["\x01", "\x7f", "\x01\x7f\x01", "\n", "\r\n", "é\u2028😀", "'", "\\", "go"])
def test_words_arrive_unchanged_through_a_shell_that_stays(words: list[str]) -> None:
    ran = STAYING.run(quoted(["printf", "%s\\0", *words], 60), b"", 60)
    assert ran == (0, b"".join(word.encode() + b"\0" for word in words), b"")


STAYING = Shell(Near())


def test_a_deadline_stands_before_every_command() -> None:
    """And the shell becomes the command: nothing of its own comes behind the output."""
    line = command_line(["docker", "ps"], 30, has_stdin=False).text
    assert line.endswith(" >&2; exec timeout --kill-after=5 30 docker ps </dev/null")
    line = command_line(["cat"], 0.5, has_stdin=True).text
    assert line.endswith(" >&2; exec timeout --kill-after=5 0.5 cat")


def test_no_two_lines_have_one_mark_and_none_shows_it() -> None:
    first, second = (command_line(["true"], 5, has_stdin=False) for _ in range(2))
    assert first.mark != second.mark
    assert first.mark.strip() not in first.text


def test_a_command_without_an_input_of_its_own_reads_nothing() -> None:
    line = command_line(["cat"], 5, has_stdin=False)
    done = subprocess.run(
        ["bash", "-c", line.text], check=False, input=b"the rest of a script", capture_output=True
    )
    assert (done.returncode, line.own(done.stdout.decode())) == (0, "")


def test_a_command_that_does_not_end_is_ended_on_the_server() -> None:
    line = command_line(["sleep", "60"], 0.05, has_stdin=False)
    assert subprocess.run(["bash", "-c", line.text], check=False).returncode == 124
