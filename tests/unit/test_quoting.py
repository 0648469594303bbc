"""Quoting: a list of words reaches the remote program as exactly these words."""

from __future__ import annotations

import subprocess

from hypothesis import example, given, settings
from hypothesis import strategies as st

from fabfile.remote.host import Text
from fabfile.remote.line import command_line

WORD = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


def received(words: list[str]) -> list[str]:
    """The words that a program gets when a login shell runs the line."""
    line = command_line(["printf", "%s\\0", *words], 5, has_stdin=False)
    done = subprocess.run(["bash", "-c", line], capture_output=True, check=True)
    return done.stdout.decode().split("\0")[:-1]


@settings(max_examples=40)
@given(st.lists(WORD, min_size=1, max_size=8))
@example(["$(id -u)", "`id`", "$HOME", "!!", "a;b", "a&&b", "|", ">x", "*", "~", "{a,b}", "-n"])
@example(["", " ", "\t", "\n", "'", '"', "\\", "'\"'\"'", "#", "é\u2028"])
def test_words_arrive_unchanged(words: list[str]) -> None:
    assert received(words) == words


def test_a_deadline_stands_before_every_command() -> None:
    assert command_line(["docker", "ps"], 30, has_stdin=False) == (
        "timeout --kill-after=5 30 docker ps </dev/null"
    )
    assert command_line(["cat"], 0.5, has_stdin=True) == "timeout --kill-after=5 0.5 cat"


def test_a_command_without_an_input_of_its_own_reads_nothing() -> None:
    line = command_line(["cat"], 5, has_stdin=False)
    done = subprocess.run(
        ["bash", "-c", line], check=False, input=b"the rest of a script", capture_output=True
    )
    assert (done.returncode, done.stdout) == (0, b"")


def test_a_command_that_does_not_end_is_ended_on_the_server() -> None:
    line = command_line(["sleep", "60"], 0.05, has_stdin=False)
    assert subprocess.run(["bash", "-c", line], check=False).returncode == 124


def test_an_input_is_given_at_once_and_then_ends() -> None:
    text = Text("all of it\n")
    assert (text.read(1), text.read(1), text.read(1)) == ("all of it\n", "", "")
