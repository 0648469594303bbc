"""An .env is changed in one line, which reads back as it was meant; the rest stays to the byte."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fabfile.model.access import envedit
from fabfile.model.access.envedit import Changed, changed, require_key, with_value, written
from fabfile.model.access.envfile import parse
from fabfile.model.errors import REFUSED, Trouble

FILE = "# head\nA=1\n\n# of B, with marks\nexport B='two words' # said\nC=\n"
WILD = st.text(
    alphabet=st.sampled_from("aA0-_=;'\"`$(){}\\#\n\r\t é☃\u2028\x85&|<>%~\0"), max_size=20
)
LINES = st.lists(
    st.sampled_from(["A=1", "B='x y'", "# c", "", "export C=", 'D="q"', "E=a # b"]), max_size=6
)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("abc-DEF_0.9~", "K=abc-DEF_0.9~\n"),
        ("--leading", "K=--leading\n"),
        ("", "K=\n"),
        ("a b", "K='a b'\n"),
        ("$(reboot)", "K='$(reboot)'\n"),
        ("a;b`c`", "K='a;b`c`'\n"),
        ('say "x"', "K='say \"x\"'\n"),
        ("é☃", "K='é☃'\n"),
        ("a # b", "K='a # b'\n"),
        (r"a\$b", "K='a\\$b'\n"),
        ("it's", 'K="it\'s"\n'),
    ],
)
def test_a_value_is_written_in_the_plainest_form_that_all_read_alike(value: str, line: str) -> None:
    assert written("K", value) == line


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\0b", "a\tb", "\ud800"])
def test_what_is_no_text_is_refused_without_the_value(value: str) -> None:
    with pytest.raises(Trouble) as caught:
        written("K", value)
    assert caught.value.code == REFUSED
    assert caught.value.message == (
        "K: its value has a line break or another character that is no text"
    )


@pytest.mark.parametrize("value", ["it's $5", "'\"", "a\\", r"a\\b", "a\\'b"])
def test_what_readers_take_differently_is_refused(value: str) -> None:
    with pytest.raises(Trouble, match=r"^K: its value has a quote or a backslash that compose"):
        written("K", value)


@given(LINES, WILD)
@example(["A=1"], "-x")
@example(["A=1"], "$(x)")
def test_only_the_one_line_changes_and_reads_back_as_it_was_meant(
    lines: list[str], value: str
) -> None:
    text = "\n".join(dict.fromkeys(lines))
    try:
        made = with_value(text, "KEY", value)
    except Trouble:
        return
    assert parse(made).values == {**parse(text).values, "KEY": value}
    assert parse(made).problems == ()
    again = with_value(made, "KEY", "other")
    assert again == made.replace(written("KEY", value), "KEY=other\n")


def test_a_key_that_is_there_keeps_its_place_and_all_else_stays() -> None:
    assert with_value(FILE, "B", "n$w") == ("# head\nA=1\n\n# of B, with marks\nB='n$w'\nC=\n")
    assert with_value(FILE, "C", "3") == FILE.replace("C=\n", "C=3\n")
    assert with_value(FILE, "D", "4") == FILE + "D=4\n"
    assert with_value("A=1", "D", "4") == "A=1\nD=4\n"
    assert with_value("", "D", "4") == "D=4\n"


def test_a_key_that_stood_twice_stands_once() -> None:
    assert with_value("A=1\nB=2\nA=3\n", "A", "9") == "A=9\nB=2\n"


def test_a_file_that_would_swallow_the_new_line_is_refused() -> None:
    with pytest.raises(Trouble, match=r"^D cannot be set: \.env has a line before it that is not"):
        with_value("A='open\nB=x'y\nD='", "D", "4'")


def test_several_keys_are_set_one_after_the_other() -> None:
    assert envedit.with_values("A=1\n", {"A": "2", "B": "3"}) == "A=2\nB=3\n"


def test_what_changes_is_told_by_name_alone() -> None:
    found = changed("A=secret1\nB=2\nC=3\n", "B=2\nC=secret4\nD=5\n")
    assert found == Changed(added=("D",), changed=("C",), removed=("A",))
    assert found.keys == ("A", "C", "D")
    assert found.lines() == ["added: D", "changed: C", "removed: A"]
    assert changed("A=1", "A='1'\n").lines() == []


@pytest.mark.parametrize("key", ["", "a", "1A", "A-B", "A=B", "$(A)", "-A", "É"])
def test_what_cannot_be_a_key_is_refused(key: str) -> None:
    with pytest.raises(Trouble, match=r"^a key of \.env is written in A-Z"):
        require_key(key)


def test_compose_is_asked_for_each_key() -> None:
    assert envedit.reading(["B", "A_1"]).endswith(
        '    environment:\n      a: a\n      A_1: "${A_1-}"\n      B: "${B-}"\n'
    )
