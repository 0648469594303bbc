"""The watch asks all three, tells what each found, and is as red as the worst of them."""

from __future__ import annotations

import pytest
from invoke import Context, Exit

from scripts.ci.tasks import ns

from .bench import Bench, words_of

DOCTOR = {
    "ubuntu": {
        "problems": ["no room"],
        "warnings": [],
        "checks": [
            {"check": "disk", "verdict": "fail", "text": "no | room"},
            {"check": "engine", "verdict": "ok", "text": "26.1.5"},
        ],
    }
}
CERTIFICATES = {
    "ubuntu": {"days": 9, "problems": ["fewer than 14 days are left"]},
    "far-away": {"days": None, "problems": []},
}
BACKUP = {"server": "ubuntu", "name": "db_1.dump.zst", "bytes": 4096, "commit": "1a2b3c4d" * 5}


def watch() -> int:
    try:
        ns["watch"](Context())
    except Exit as ended:
        return ended.code
    return 0


def lay(bench: Bench, **more: object) -> None:
    bench.lay(doctor_json=DOCTOR, status_json=CERTIFICATES, verify_json=BACKUP, **more)


def test_all_are_asked_and_told(bench: Bench) -> None:
    lay(bench)
    assert watch() == 0
    assert [call.split()[1] for call in bench.calls] == ["doctor", "ssl.status", "db.verify"]
    assert words_of(bench)[-1] == "db.verify --json"
    for line in (
        "## doctor: passed",
        r"- ubuntu: fail: disk: no \| room",
        "- ubuntu: ends in 9 days",
        "- ubuntu: fewer than 14 days are left",
        r"- ubuntu: db\_1.dump.zst, 4096 bytes, 1a2b3c4d",
    ):
        assert f"\n{line}\n" in f"\n{bench.summary}"
    assert "engine" not in bench.summary


@pytest.mark.parametrize("red", ["doctor", "status", "verify"])
def test_one_that_is_red_keeps_none_from_being_asked(
    bench: Bench,
    red: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    lay(bench, **{f"{red}_code": "1", f"{red}_err": "error: it is not well\n"})
    assert watch() == 1
    assert len(bench.calls) == 3
    assert "<pre>\nerror: it is not well\n</pre>" in bench.summary
    (told,) = [line for line in capsys.readouterr().err.splitlines() if "::error " in line]
    assert told.startswith("::error title=")
    assert "error: it is not well" in told


def test_the_worst_exit_code_counts(bench: Bench) -> None:
    lay(bench, doctor_code="1", verify_code="2")
    assert watch() == 2


def test_no_key_is_left_and_none_is_inherited(bench: Bench) -> None:
    lay(bench)
    assert watch() == 0
    assert bench.keys_left == []
    assert "inherited" not in bench.calls
