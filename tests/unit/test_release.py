"""Releases: what is written is read back; what is torn is no release."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabfile.model.release import Done, Image, Release, identity, parse_release

from .builders import release

FULL = replace(
    release("20261123T101500Z-1a2b3c4d", back_to="20261122T101500Z-00000001"),
    steps=(Done("build api-1", "done", 12.5, "app/api:1f"), Done("roll api-1", "failed", 0.1)),
    gates=(Done("probe:api-1", "red", 0.01, 'answered 502, expected 200: "x"'),),
    plan=("build api-1: not on the server",),
    waived=("link",),
    env={"PASSWORD": "0f" * 10},
    schema="002",
    error="roll api-1: ubuntu: api-1 did not become healthy",
)


def test_a_release_that_is_written_is_read_back_equal() -> None:
    assert parse_release(FULL.to_json()) == FULL


def test_a_record_is_one_line() -> None:
    assert "\n" not in replace(FULL, subject="two\nlines").to_json()


@given(st.text(), st.text(), st.integers(0, 253_402_300_799), st.dictionaries(st.text(), st.text()))
def test_any_text_survives_the_round_trip(
    subject: str, error: str, started: int, digests: dict[str, str]
) -> None:
    made = replace(
        FULL,
        subject=subject,
        error=error,
        started=started,
        env=digests,
        images={subject: Image(error, subject)},
    )
    assert parse_release(made.to_json()) == made


@given(st.integers(min_value=0, max_value=len(FULL.to_json()) - 1))
def test_a_torn_record_is_no_release(length: int) -> None:
    assert parse_release(FULL.to_json()[:length]) is None


@pytest.mark.parametrize("line", ["", "null", "[]", "1", "{}", '{"images": 1}', '"text"'])
def test_json_that_is_no_record_is_no_release(line: str) -> None:
    assert parse_release(line) is None


def test_a_record_of_a_later_version_of_this_program_is_no_release_to_this_one() -> None:
    assert parse_release(json.dumps({**json.loads(FULL.to_json()), "colour": "red"})) is None


@pytest.mark.parametrize(
    ("outcome", "passed"),
    [("verified", True), ("accepted", True), ("failed", False), ("running", False), ("", False)],
)
def test_only_a_verified_or_an_accepted_release_passed(outcome: str, passed: bool) -> None:
    assert replace(FULL, outcome=outcome).passed is passed


def test_an_end_keeps_everything_but_what_it_says() -> None:
    ended = FULL.ended("failed", 1_234, error="why")
    assert ended == replace(FULL, outcome="failed", finished=1_234, error="why")


def test_an_id_is_the_start_and_the_commit_and_sorts_by_time() -> None:
    assert identity("20261123T101500Z", "1a2b3c4d5e6f") == "20261123T101500Z-1a2b3c4d"
    assert identity("20261123T101500Z", "f" * 40) < identity("20261123T101501Z", "0" * 40)


def test_a_new_record_has_the_outcome_of_a_run_that_died() -> None:
    record = Release("i", "s", "c", "subject", "ref", "who", 1)
    assert (record.outcome, record.finished, record.passed) == ("running", 0, False)
