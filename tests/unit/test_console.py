"""The console: what is shown, and what never is."""

from __future__ import annotations

import io
import json
import re
import sys
import unicodedata
from contextlib import redirect_stderr, redirect_stdout, suppress
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from fabfile.model.errors import Trouble
from fabfile.ui.console import HIDDEN, SHORTEST, Console

from .examples import examples

SECRET = 'kq8"vP\\z$2[m]Tr'
UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Categories of letters that show nothing and may be obeyed."""
PLAIN_TEXT = st.text(
    st.characters(
        min_codepoint=32, max_codepoint=0x2FF, exclude_categories=("Cc", "Cf", "Zl", "Zp")
    )
)


def hiding(*secrets: str, as_json: bool = False) -> Console:
    console = Console(as_json=as_json)
    console.hide(secrets)
    return console


def shown(text: str) -> str:
    """What a console prints of a line."""
    output = io.StringIO()
    with redirect_stdout(output):
        Console().line("ubuntu", text)
    return output.getvalue()


def broken(text: str, columns: str, hang: int) -> list[str]:
    """The lines that a console of so many columns makes of one."""
    output = io.StringIO()
    with redirect_stdout(output), patch.dict("os.environ", COLUMNS=columns):
        output.isatty = lambda: True  # type: ignore[method-assign]
        Console().line("ubuntu", text, hang=hang)
    return re.sub(r"\x1b\[[0-9;]*m", "", output.getvalue()).splitlines()


def test_a_line_that_hangs_is_broken_at_words_and_its_rest_stands_in() -> None:
    assert broken("  1. pull proxy: one two three four five six seven", "39", 5) == [
        "[ubuntu]   1. pull proxy: one two three",
        "[ubuntu]      four five six seven",
    ]


def test_a_word_without_room_is_broken_and_a_page_has_100_columns_at_most() -> None:
    assert broken("pull " + "x" * 200, "300", 2) == [
        "[ubuntu] pull",
        "[ubuntu]   " + "x" * 89,
        "[ubuntu]   " + "x" * 89,
        "[ubuntu]   " + "x" * 22,
    ]


@given(st.lists(st.text("ab願🎁é.:/-", min_size=1, max_size=60), min_size=1), st.integers(40, 120))
def test_a_broken_line_fits_and_loses_nothing(words: list[str], columns: int) -> None:
    lines = broken(" ".join(words), str(columns), 4)
    assert max(map(cell_len, lines)) <= min(columns, 100)
    whole = "".join(line.removeprefix("[ubuntu] ") for line in lines)
    assert whole.replace(" ", "") == "".join(words)


def test_a_secret_is_replaced_wherever_it_stands() -> None:
    text = f"postgresql://app:{SECRET}@db/{SECRET}"
    assert hiding(SECRET).redact(text) == f"postgresql://app:{HIDDEN}@db/{HIDDEN}"


def test_a_secret_that_holds_another_is_replaced_whole() -> None:
    assert hiding("abcdef", "abcdef-and-more").redact("abcdef-and-more abcdef") == (
        f"{HIDDEN} {HIDDEN}"
    )


def test_a_value_too_short_to_be_a_secret_hides_nothing() -> None:
    assert hiding("x" * (SHORTEST - 1), "").redact("xxxxxyz") == "xxxxxyz"


SECRETS = st.sets(st.text("ABC12", min_size=SHORTEST, max_size=9), min_size=1, max_size=4)


@given(SECRETS, st.lists(st.text("ABC12 ", max_size=12)), st.randoms(use_true_random=False))
def test_no_secret_is_left_in_any_text(secrets: set[str], between: list[str], luck: object) -> None:
    text = "".join([*between, *secrets, *between, *sorted(secrets)])
    assert not any(secret in hiding(*secrets).redact(text) for secret in secrets)


def test_every_way_to_show_something_redacts_it(capfd: pytest.CaptureFixture[str]) -> None:
    console = hiding(SECRET)
    console.line("ubuntu", f"line {SECRET}", "bold")
    console.warn("ubuntu", f"warning {SECRET}")
    console.table("title", ("column",), [[f"cell {SECRET}"]])
    console.result({"key": f"value {SECRET}", "list": [SECRET], "tuple": (SECRET,)})
    console.error(Trouble(f"message {SECRET}", evidence=[f"evidence {SECRET}"]))
    with console.step("ubuntu", f"step {SECRET}") as notes:
        notes.append(f"note {SECRET}")
    out, err = capfd.readouterr()
    for word in ("line", "warning", "cell", "value", "step", "note"):
        assert f"{word} {HIDDEN}" in out
    for word in ("message", "evidence"):
        assert f"{word} {HIDDEN}" in err
    assert SECRET not in out + err
    assert json.dumps(SECRET)[1:-1] not in out + err


def test_the_log_that_is_kept_is_redacted_too(capfd: pytest.CaptureFixture[str]) -> None:
    console = hiding(SECRET)
    console.line("ubuntu", f"line {SECRET}")
    assert console.log("ubuntu")[0].endswith(f" line {HIDDEN}")
    assert console.log("montreal") == []


def test_json_goes_to_standard_output_and_everything_else_to_standard_error(
    capfd: pytest.CaptureFixture[str],
) -> None:
    console = Console(as_json=True)
    console.line("ubuntu", "line")
    with console.step("ubuntu", "step"):
        pass
    console.table("", ("column",), [["cell"]])
    console.result({"b": "é", "a": 1})
    out, err = capfd.readouterr()
    assert out == '{\n  "a": 1,\n  "b": "é"\n}\n'
    assert [line.split()[-1] for line in err.splitlines()] == ["line", "0.0s", "column", "cell"]


def everything_shown(text: str) -> str:
    """What a console prints of a text that stands wherever one may stand."""
    output, console = io.StringIO(), Console()
    with redirect_stdout(output), redirect_stderr(output):
        console.line("ubuntu", text)
        console.warn("ubuntu", text)
        console.table(text, ("column",), [[text]])
        console.error(Trouble(text, evidence=[text]))
        console.result({text: [text, {"inner": text}]})
        with patch("sys.stdin", io.StringIO("no\n")):
            console.confirm(text)
        with suppress(Trouble), console.step("ubuntu", text) as notes:
            notes.append(text)
            raise Trouble(text)
    return output.getvalue()


@examples(2000)
@given(st.text(st.characters(codec=None)))
@example("\x1b]0;owned\x07")
@example("\x9b2J")
@example("\u202egnp.exe")
@example("\ud800 \x00 \x85 \u2028 \U000e0041")
@example("\x1b[\x1b[0m31m")
def test_no_text_reaches_the_terminal_as_a_command(text: str) -> None:
    shown = everything_shown(text)
    shown.encode()  # no lone surrogate either
    commands = {letter for letter in shown if unicodedata.category(letter) in UNSEEN}
    assert commands <= {"\n", "\u200c", "\u200d"}


@given(st.text(st.characters(codec=None)))
@example("first\r\nerror: second")
@example("first\u2028second")
def test_a_text_of_others_is_one_line(text: str) -> None:
    assert shown(text).count("\n") == 1


def test_colours_of_a_program_are_left_out_and_other_commands_are_shown_by_their_codes() -> None:
    assert shown("\x1b[32mok\x1b[0m \x1b[2K\x1b]0;X\x07\tz\u202e") == (
        "[ubuntu] ok \\x1b]0;X\\x07 z\\u202e\n"
    )


@given(st.text(st.characters(codec=None)))
def test_json_means_the_same_however_it_is_escaped(text: str) -> None:
    output = io.StringIO()
    with redirect_stdout(output):
        Console(as_json=True).result({"text": text})
    assert json.loads(output.getvalue()) == json.loads(json.dumps({"text": text}))


def test_a_terminal_that_lacks_a_letter_gets_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="latin-1"))
    with Console().step("ubuntu", "build"):
        pass
    sys.stdout.flush()
    assert raw.getvalue() == b"[ubuntu] \\u2713 build 0.0s\n"


@given(PLAIN_TEXT)
@example("[bold]not markup[/bold] \\")
@example("a :warning: of :ok: kind")
@example("x" * 500)
def test_a_line_is_shown_as_it_is_behind_its_server(text: str) -> None:
    assert shown(text).rstrip("\n").rstrip(" ") == f"[ubuntu] {text}".rstrip(" ")


def test_a_failed_step_is_shown_as_failed_and_its_error_goes_on(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(Trouble, match="boom"), Console().step("ubuntu", "build web"):
        raise Trouble("boom")
    assert capfd.readouterr().out == "[ubuntu] ✗ build web 0.0s\n"


def test_an_error_is_one_line_and_its_evidence_stands_below_it(
    capfd: pytest.CaptureFixture[str],
) -> None:
    Console().error(Trouble("ubuntu: it failed; do this", evidence=["first", "[second]"]))
    assert capfd.readouterr().err == "error: ubuntu: it failed; do this\n  first\n  [second]\n"


def test_without_a_terminal_there_is_no_colour_and_nothing_is_asked(
    capfd: pytest.CaptureFixture[str],
) -> None:
    console = Console()
    console.line("ubuntu", "text", "bold red")
    assert capfd.readouterr().out == "[ubuntu] text\n"
    assert not console.interactive


@pytest.mark.parametrize(
    ("answer", "agreed"),
    [("y\n", True), ("YES\n", True), (" yes \n", True), ("n\n", False), ("\n", False), ("", False)],
)
def test_only_a_yes_is_a_yes(
    answer: str, agreed: bool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    assert Console().confirm("Go ahead?") is agreed
    assert capfd.readouterr().out == "Go ahead? [y/N] "


def test_an_error_is_shown_even_when_standard_output_is_gone() -> None:
    output = io.StringIO()
    with redirect_stderr(output):
        Console(as_json=True).error(Trouble("ubuntu: it failed"))
    assert output.getvalue() == "error: ubuntu: it failed\n"
