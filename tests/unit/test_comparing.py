"""Whether new replicas are as good as the former ones, by what both answered."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabfile.model.deploy.comparing import (
    CHANCE,
    DURATION,
    FEWEST,
    LONGEST,
    Answers,
    Canary,
    Sides,
    canary,
    chance,
    failing,
    figures,
    merged,
    objection,
)
from fabfile.model.errors import REFUSED, Trouble


def answers(total: int, errors: int = 0, ms: int = 20) -> Answers:
    return Answers({ms: total} if total else {}, errors)


def api(new: Answers, former: Answers) -> dict[str, Sides]:
    return {"api": Sides(new, former)}


some = st.builds(
    lambda times, part: Answers(times, sum(times.values()) * part // 100),
    st.dictionaries(st.integers(0, 9000), st.integers(1, 400), max_size=12),
    st.integers(0, 100),
)


@pytest.mark.parametrize(
    ("new", "former", "why"),
    [
        (answers(500), answers(4500), ""),
        (answers(FEWEST), answers(FEWEST), ""),
        (
            answers(500, 50),
            answers(4500, 5),
            "api: the new replicas answer 5xx more often (10.0%, not 0.1%)",
        ),
        (answers(500, 50), answers(4500, 450), ""),
        (answers(500, 2), answers(4500), ""),
        (
            answers(500, ms=300),
            answers(4500, ms=100),
            "api: the new replicas are slower (p95 0.300 s, not 0.100 s)",
        ),
        (answers(500, ms=190), answers(4500, ms=100), ""),
        (answers(500, ms=2900), answers(4500, ms=2000), ""),
        (
            answers(49),
            answers(4500),
            "too few requests to judge: the new replicas answered 49, 50 are needed",
        ),
        (
            answers(4500),
            answers(3),
            "too few requests to judge: the former replicas answered 3, 50 are needed",
        ),
        (
            answers(0),
            answers(0),
            "too few requests to judge: the new replicas answered 0, 50 are needed",
        ),
        (
            answers(20, 20),
            answers(200),
            "api: the new replicas answer 5xx more often (100.0%, not 0.0%)",
        ),
    ],
    ids=str,
)
def test_what_speaks_against_the_new_ones(new: Answers, former: Answers, why: str) -> None:
    assert objection(api(new, former)) == why


def test_nobody_is_asked_for_long_who_fails_and_is_slow_only_at_the_end() -> None:
    """The first answers of a new replica may be slow: it is cold."""
    assert failing(api(answers(20, 20), answers(200))) != ""
    assert failing(api(answers(100, ms=900), answers(900, ms=100))) == ""


def test_one_upstream_that_fails_is_enough_and_requests_are_counted_together() -> None:
    seen = api(answers(500), answers(4500)) | {"web": Sides(answers(9), answers(80))}
    assert objection(seen) == ""
    seen["web"] = Sides(answers(9, 9), answers(80))
    assert objection(seen) == "web: the new replicas answer 5xx more often (100.0%, not 0.0%)"


def test_figures_tell_both_sides_of_each_upstream() -> None:
    (line,) = figures(api(answers(50, 5), answers(450, ms=1234)))
    assert line == (
        "api: new 50 requests, 5 5xx (10.0%), p95 0.020 s;"
        " former 450 requests, 0 5xx (0.0%), p95 1.234 s"
    )


@given(some)
def test_what_is_the_same_on_both_sides_speaks_against_nobody(side: Answers) -> None:
    assert failing(api(side, side)) == ""
    assert Sides(side, side).slow == ""


@given(some, some)
def test_never_are_both_sides_the_worse_one(one: Answers, other: Answers) -> None:
    assert not (Sides(one, other).failing and Sides(other, one).failing)
    assert not (Sides(one, other).slow and Sides(other, one).slow)


@given(some, some)
def test_fewer_errors_never_speak_against_who_was_good_enough(one: Answers, other: Answers) -> None:
    if not Sides(one, other).failing and one.errors:
        assert not Sides(Answers(one.times, one.errors - 1), other).failing


@given(some, some)
def test_what_is_seen_bit_by_bit_is_what_is_seen_at_once(one: Answers, other: Answers) -> None:
    both = merged(api(one, other), api(other, one))["api"]
    assert both.new.total == one.total + other.total
    assert both.former.errors == one.errors + other.errors
    whole = sorted(
        time for side in (one, other) for time, n in side.times.items() for _ in range(n)
    )
    rank = -(-95 * len(whole) // 100)
    assert both.new.p95 == (whole[rank - 1] / 1000 if whole else 0)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_chance_is_fishers_exact_test(bad: int, good: int, other_bad: int, other_good: int) -> None:
    total, whole, all_bad = bad + good, bad + good + other_bad + other_good, bad + other_bad
    ways = sum(
        comb(total, count) * comb(whole - total, all_bad - count)
        for count in range(bad, min(total, all_bad) + 1)
    )
    found = chance(bad, total, other_bad, whole - total)
    assert found == pytest.approx(ways / comb(whole, all_bad), rel=1e-6)


def test_three_errors_of_fifty_beside_none_are_no_chance_and_two_may_be() -> None:
    assert chance(3, 50, 0, 450) < CHANCE < chance(2, 50, 0, 450)


def test_a_canary_has_a_time_of_its_own_where_none_is_given() -> None:
    assert canary(10, 0) == Canary(10, DURATION)
    assert canary(10, 60) == Canary(10, 60)
    assert canary(0, 0) is None


@pytest.mark.parametrize(
    ("share", "seconds", "said"),
    [
        (0, 60, "--for is how long a canary takes: it needs --canary, such as 10%"),
        (10, LONGEST + 1, "--for: a canary takes at most 4h"),
    ],
)
def test_what_is_no_canary_is_refused(share: int, seconds: int, said: str) -> None:
    with pytest.raises(Trouble) as no:
        canary(share, seconds)
    assert (no.value.message, no.value.code) == (said, REFUSED)
