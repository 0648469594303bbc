"""What a line of a log says, and that each is read once, whatever it holds."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabfile.model.watch.levels import LEVELS
from fabfile.model.watch.log_lines import LogLine, wanted
from fabfile.model.watch.reader import LogReader

FAILED = {
    "status": "502", "seconds": "1", "method": "GET", "host": "a", "path": "/", "bytes": "1",
    "client": "b",
}  # fmt: skip
"""As our proxy writes a request."""
TIME = "2026-11-30T12:00:00.{:09}Z"


def line(text: str) -> LogLine:
    return LogLine(TIME.format(0), "ubuntu", "api-1", text)


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ('{"level": "warn", "message": "x"}', "warning"),
        ('{"level": "FATAL", "msg": "x"}', "critical"),
        ('{"level": 40, "msg": "x"}', "info"),
        (json.dumps(FAILED), "error"),
        ("2026-11-30 12:00:00.1 UTC [1] LOG:  ready", "info"),
        ("2026-11-30 12:00:00.1 UTC [1] FATAL:  no role", "critical"),
        ("2026/11/30 12:00:00 [error] 7#7: *1 upstream", "error"),
        ("1:M 30 Nov 2026 12:00:00.753 # Short write", "warning"),
        ("1:M 30 Nov 2026 12:00:00.753 * Ready, no ERROR", "info"),
        ("INFO:     Started", "info"),
        ("an error in small letters", "info"),
        ("Traceback (most recent call last):", "error"),
        ("sqlalchemy.exc.ProgrammingError: no", "error"),
        ("  File x, line 1", "info"),
        (f"{'x' * 200} ERROR", "info"),
        ("", "info"),
    ],
)  # fmt: skip
def test_how_bad_a_line_is(text: str, level: str) -> None:
    assert line(text).level == level


def test_a_line_in_json_is_shown_as_its_message_and_the_rest() -> None:
    said = {
        "level": "info",
        "message": "sent",
        "to": "a b",
        "count": 3,
        "time": "now",
        "exception": "",
    }
    assert line(json.dumps(said)).shown == ["INFO sent to=a b count=3"]
    assert line('{"no": "message"}').shown == ['{"no": "message"}']
    assert line("[1, 2]").shown == ["[1, 2]"]


@given(st.text() | st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda one: st.lists(one) | st.dictionaries(
        st.sampled_from(["level", "message", "msg", "exception", "status", "seconds", "method",
                         "host", "path", "bytes", "client"]) | st.text(), one),
).map(json.dumps))  # fmt: skip
def test_no_line_is_too_wild(text: str) -> None:
    found = line(text)
    assert found.level in LEVELS
    assert found.shown
    for options in (("x", "", "", 0), ("", "error", "", 0), ("", "", "5xx", 1)):
        assert wanted(*options).holds(found) in (True, False)


def test_what_comes_twice_is_one_line_and_a_renamed_container_the_same_one() -> None:
    reader = LogReader("ubuntu", "app")
    first = [f"+ {TIME.format(0)}", "= 1f app-api-3", f"1f {TIME.format(5)} a  b"]
    assert [one for text in first for one in reader.read(text)] == [
        LogLine(TIME.format(5), "ubuntu", "api-3", "a  b")
    ]
    again = ["= 1f app-api-1", f"1f {TIME.format(5)} a  b", f"1f {TIME.format(5)} other",
             f"2e {TIME.format(5)} a  b"]  # fmt: skip
    assert [(one.container, one.text) for text in again for one in reader.read(text)] == [
        ("api-1", "other"),
        ("2e", "a  b"),
    ]


def test_lines_from_before_the_beginning_are_left_out_and_those_without_a_time_kept() -> None:
    reader = LogReader("ubuntu", "app")
    assert list(reader.read(f"+ {TIME.format(7)}")) == []
    reader.since = reader.before(0)
    assert reader.since == "2026-11-30T12:00:00.000000000Z"
    assert reader.before(5) == "2026-11-30T11:59:55.000000000Z"
    assert list(reader.read("1f 2026-11-30T11:59:59.999999999Z old")) == []
    (said,) = reader.read("1f Error response from daemon: no such container")
    assert (said.time, said.text) == (
        TIME.format(7),
        "Error response from daemon: no such container",
    )
