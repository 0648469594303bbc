"""Logs of one server and of all: merged, filtered, followed past whatever ends."""

from __future__ import annotations

import _thread
import json

import pytest

from fabfile.model.errors import Trouble
from fabfile.ops.watch import merging

from .fakes.fleet import Fleet
from .fakes.writing import NOW

MINUTE = "2026-11-30T11:59"
ACCESS = (
    '{"time":"2026-11-30T11:59:03+00:00","client":"203.0.113.7","method":"GET","host":"app.example",'
    '"path":"/wishlists","status":"502","bytes":"3100","seconds":"1.250"}'
)
RAISED = json.dumps({"level": "error", "message": "no way", "item": 7, "exception": "A\nB: c"})


def at(seconds: str, text: str) -> str:
    """A line as the engine hands it over: the time it got it, and the text."""
    whole, _, part = seconds.partition(".")
    return f"{MINUTE}:{whole}.{part:0<9}Z {text}"


@pytest.fixture
def written(running: Fleet) -> Fleet:
    """Both servers have written something; the one that is called in between."""
    running.ubuntu.logged += [
        ("api-1", at("01", "first")),
        ("api-1", at("05", RAISED)),
        ("proxy", at("03.25", ACCESS)),
        ("db", at("04", "LOG:  checkpoint complete")),
    ]
    running.montreal.logged += [("worker-1", at("02", "second"))]
    return running


def test_the_lines_of_a_server_stand_in_the_order_of_their_time(written: Fleet) -> None:
    names = {one.name for one in written.ubuntu.engine.containers.values()}
    assert {"app-api-1", "app-proxy", "app-db"} <= names, names
    ran = written.fab("ubuntu.logs")
    assert ran.code == 0, ran.everything
    assert ran.out.splitlines() == [
        "2026-11-30 (UTC)",
        "api-1 11:59:01 first",
        "proxy 11:59:03 502 GET app.example/wishlists 1250 ms 3.1 kB 203.0.113.7",
        "db    11:59:04 LOG:  checkpoint complete",
        "api-1 11:59:05 ERROR no way item=7",
        "api-1 11:59:05   A",
        "api-1 11:59:05   B: c",
    ]
    assert written.ubuntu.asked_for_logs == [("", "100", "", False)]


def test_so_do_those_of_all_servers(written: Fleet) -> None:
    ran = written.fab("logs --tail 1")
    assert ran.code == 0, ran.everything
    assert [line.split()[:3] for line in ran.out.splitlines()[1:5]] == [
        ["montreal", "worker-1", "11:59:02"],
        ["ubuntu", "proxy", "11:59:03"],
        ["ubuntu", "db", "11:59:04"],
        ["ubuntu", "api-1", "11:59:05"],
    ]
    assert written.montreal.asked_for_logs == [("", "1", "", False)]


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ("--service proxy", ["proxy"]),
        ("--service api", ["api-1"] * 4),
        ("--service api-1", ["api-1"] * 4),
        ("--grep check.*complete", ["db"]),
        ("--level error", ["proxy", *["api-1"] * 3]),
        ("--level critical", []),
        ("--status 5xx", ["proxy"]),
        ("--status 502 --slow 1s", ["proxy"]),
        ("--status 200", []),
        ("--slow 2s", []),
    ],
)
def test_only_what_is_wanted_is_shown(options: str, shown: list[str], written: Fleet) -> None:
    ran = written.fab(f"ubuntu.logs {options}")
    assert (ran.code, ran.err) == (0, "")
    assert [line.split()[0] for line in ran.out.splitlines()[1:]] == shown


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ("--since 10m", ("", "all", "600s", False)),
        ("--since 10m --tail 3", ("", "3", "600s", False)),
        ("--since 2026-11-30T11:00:00", ("", "100", "1796036400", False)),
        ("--grep word --tail 3", ("", "all", "", False)),
    ],
)
def test_no_more_is_read_than_must_be(
    options: str, asked: tuple[str, str, str, bool], written: Fleet
) -> None:
    assert written.fab(f"ubuntu.logs {options}").code == 0
    if "T" in options:
        asked = (asked[0], "all", *asked[2:])
    assert written.ubuntu.asked_for_logs == [asked]


def test_of_a_search_the_last_lines_are_those_that_were_found(written: Fleet) -> None:
    written.ubuntu.logged += [("api-1", at(f"{10 + turn}", f"word {turn}")) for turn in range(9)]
    ran = written.fab("ubuntu.logs --grep word --tail 2")
    assert [line.split()[-1] for line in ran.out.splitlines()[1:]] == ["7", "8"]


def test_each_line_can_be_an_object_for_programs(written: Fleet) -> None:
    ran = written.fab("logs --json --level error")
    assert [json.loads(line) for line in ran.out.splitlines()] == [
        {
            "time": f"{MINUTE}:03.250000000Z",
            "server": "ubuntu",
            "container": "proxy",
            "level": "error",
            "text": ACCESS,
        },
        {
            "time": f"{MINUTE}:05.000000000Z",
            "server": "ubuntu",
            "container": "api-1",
            "level": "error",
            "text": RAISED,
        },
    ]


def test_a_secret_and_a_terminals_commands_are_not_shown(written: Fleet) -> None:
    secret = written.ubuntu.password
    written.ubuntu.logged = [("api-1", at("01", f"\x1b]0;title\x07 {secret}"))]
    for options in ("", "--json"):
        out = written.fab(f"ubuntu.logs {options}").out
        assert secret not in out
        assert "\x1b" not in out
        assert "[hidden]" in out


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (
            "ubuntu.logs --service prxy",
            "no service 'prxy' in the stack; services: db, api, web, proxy; did you",
        ),
        ("ubuntu.logs --grep (", "--grep '(' is no regular expression: missing ), unterminated"),
        ("ubuntu.logs --status 600", "--status '600' is no HTTP status: 502, or 5xx"),
        ("ubuntu.logs --level bad", "--level 'bad' is not debug or info or warning or error or"),
        ("ubuntu.logs --since 10x", "--since '10x' is neither a time such as 90s, 10m or 1h nor"),
        ("ubuntu.logs --until 1m --follow", "--until says where to end, and --follow not to"),
    ],
)
def test_what_means_nothing_is_refused(line: str, why: str, written: Fleet) -> None:
    ran = written.fab(line)
    assert (ran.code, ran.out) == (2, "")
    assert ran.error.startswith(why)
    assert written.ubuntu.asked_for_logs == []


def test_one_server_that_is_away_hides_nothing_of_the_others(written: Fleet) -> None:
    written.unreachable["montreal"] = Trouble("montreal: no route to host", code=2)
    ran = written.fab("logs --service proxy")
    assert (ran.code, ran.error) == (2, "montreal: no route to host")
    assert "502 GET app.example/wishlists" in ran.out


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "AGAIN", 0.01)
    monkeypatch.setattr(merging, "HELD", 0.01)


@pytest.mark.usefixtures("quick")
def test_what_is_followed_goes_on_where_it_ended_and_repeats_nothing(written: Fleet) -> None:
    ubuntu = written.ubuntu

    def write(name: str, second: str, text: str) -> None:
        ubuntu.logged.append((name, at(second, text).replace("T11:59", "T12:00")))

    ubuntu.logging_ends += [
        lambda: write("api-1", "01", "while nobody heard"),
        lambda: write("proxy", "02", "and again"),
        lambda: None,
        _thread.interrupt_main,
    ]
    ran = written.fab("ubuntu.logs --follow")
    assert ran.code == 0, ran.everything
    assert [line for line in ran.out.splitlines() if "12:00" in line] == [
        "api-1 12:00:01 while nobody heard",
        "proxy 12:00:02 and again",
    ]
    assert ran.out.count("first") == 1
    assert ran.out.count("; trying again") >= 2
    assert ran.out.count("connected again") >= 2
    backlog, begun, *again = ubuntu.asked_for_logs
    assert (backlog, begun[1:]) == (("", "100", "", False), ("100", NOW, True))
    assert [one[2] for one in again][:2] == [
        "2026-11-30T11:59:55.000000000Z",
        "2026-11-30T11:59:56.000000000Z",
    ]


@pytest.mark.usefixtures("quick")
def test_a_server_that_does_not_come_back_is_given_up(
    written: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merging, "GIVEN_UP", 0)
    written.montreal.logging_ends.append(
        lambda: written.unreachable.update(montreal=Trouble("montreal: no route", code=2))
    )
    written.ubuntu.logging_ends += [lambda: None] * 20 + [_thread.interrupt_main]
    ran = written.fab("montreal.logs --follow")
    assert (ran.code, ran.error) == (2, "montreal: no route")
