"""Judging answers: the exact status, the exact body, exact types."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabfile.model.probe import SHOWN, Answer, Probe, Question, Verdict, judge

HEALTHY = Probe(json={"status": "healthy"})


def verdict(probe: Probe, answer: Answer) -> Verdict:
    return judge(Question("gate", "http://192.0.2.1/", probe), answer)


def why(probe: Probe, status: int, body: Any = "") -> str:
    """Why it is red; empty when green."""
    text = body if isinstance(body, str) else json.dumps(body)
    found = verdict(probe, Answer(status, text))
    return "" if found.ok else found.why


def test_the_expected_answer_is_green_and_says_what_it_was() -> None:
    assert verdict(HEALTHY, Answer(200, '{"status": "healthy"}', seconds=0.25)) == Verdict(
        "gate", True, "200 deep", 0.25
    )
    assert verdict(Probe(), Answer(200, "ok")) == Verdict("gate", True, "200")


@pytest.mark.parametrize("status", [204, 301, 302, 401, 403, 404, 405, 500, 502, 503])
def test_only_the_expected_status_is_green(status: int) -> None:
    assert why(HEALTHY, status, {"status": "healthy"}) == (
        f'answered {status}, expected 200: {{"status": "healthy"}}'
    )


def test_an_expected_401_is_green_and_a_200_is_then_red() -> None:
    assert why(Probe(status=401), 401) == ""
    assert why(Probe(status=401), 200, "in") == "answered 200, expected 401: in"


def test_unhealthy_does_not_match_healthy() -> None:
    assert why(HEALTHY, 200, {"status": "unhealthy"}) == (
        'answered 200 with status = "unhealthy", expected "healthy": {"status": "unhealthy"}'
    )


@pytest.mark.parametrize(
    ("wanted", "came"),
    [
        (1, True),
        (1, 1.0),
        (True, 1),
        (0, False),
        ("1", 1),
        (None, ""),
        ("healthy", "Healthy"),
        ("healthy", "healthy "),
        ("healthy", ["healthy"]),
        ({"a": 1}, {"a": 1, "b": 2}),
    ],
)
def test_a_member_of_another_type_or_value_is_red(wanted: Any, came: Any) -> None:
    assert why(Probe(json={"member": wanted}), 200, {"member": came}).startswith(
        f"answered 200 with member = {json.dumps(came)}, expected {json.dumps(wanted)}: "
    )


def test_an_equal_member_of_any_type_is_green() -> None:
    for value in (1, True, None, 1.5, "x", ["x"], {"a": 1}):
        assert why(Probe(json={"member": value}), 200, {"member": value, "more": 0}) == ""


def test_every_member_must_be_there() -> None:
    probe = Probe(json={"status": "ok", "database": "ok"})
    assert why(probe, 200, {"status": "ok"}) == (
        'answered 200 without \'database\': {"status": "ok"}'
    )


def test_a_body_that_is_no_json_is_red() -> None:
    assert why(HEALTHY, 200, "<p>healthy</p>") == (
        "answered 200, but the body is not JSON: <p>healthy</p>"
    )


@pytest.mark.parametrize("body", [["status", "healthy"], "healthy", None, 1])
def test_json_that_is_no_object_is_red(body: Any) -> None:
    assert why(HEALTHY, 200, json.dumps(body)) == (
        f"answered 200, but the body is no JSON object: {json.dumps(body)}"
    )


def test_a_text_must_be_in_the_body() -> None:
    probe = Probe(contains="Wish With Me")
    assert why(probe, 200, "<title>Wish With Me</title>") == ""
    assert why(probe, 200, "Welcome to nginx!") == (
        "answered 200 without 'Wish With Me': Welcome to nginx!"
    )


def test_no_answer_says_why() -> None:
    assert verdict(HEALTHY, Answer(0, error="connection refused")).why == "connection refused"
    assert verdict(Probe(status=0), Answer(0)).why == "no answer"


def test_a_long_body_is_quoted_in_one_short_line() -> None:
    text = why(Probe(contains="x"), 200, "line\n" * 500)
    assert "\n" not in text
    assert text.endswith("…")
    assert len(text) < SHOWN + 60


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda raw: raw.decode("latin-1")))
def test_any_body_gets_a_verdict_and_a_green_one_is_earned(body: str) -> None:
    found = verdict(HEALTHY, Answer(200, body))
    assert found.ok == (_object(body).get("status") == "healthy")


@given(
    st.dictionaries(
        st.sampled_from(["status", "database"]),
        st.none() | st.booleans() | st.integers() | st.sampled_from(["healthy", "unhealthy", ""]),
    )
)
def test_an_object_is_green_exactly_when_its_status_is_healthy(body: dict[str, Any]) -> None:
    assert verdict(HEALTHY, Answer(200, json.dumps(body))).ok == (body.get("status") == "healthy")


@given(st.integers(min_value=0, max_value=999))
def test_a_status_is_compared_exactly(status: int) -> None:
    assert verdict(Probe(), Answer(status)).ok == (status == 200)


def _object(body: str) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
