"""Retention: what stays, what goes and why, whatever was made and by whatever clock."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabfile.model.data.backup import Backup
from fabfile.model.data.retention import Keep, retain

from .backups import MONDAY, backup
from .examples import examples

DAY = 86400


def kept(backups: list[Backup], keep: Keep, needed: tuple[str, ...] = ()) -> list[int]:
    stays = retain(backups, keep, needed).stays
    return [one.number for one in backups if one.name in stays]


def test_of_a_year_of_nights_the_last_days_weeks_and_months_stay() -> None:
    year = [backup(number) for number in range(1, 366)]
    found = kept(year, Keep(daily=7, weekly=4, monthly=6))
    # The last of six months, two Sundays more, and seven days.
    assert found == [225, 255, 286, 316, 347, 349, 356, 359, 360, 361, 362, 363, 364, 365]


def test_several_of_one_day_leave_the_newest() -> None:
    day = [backup(number, taken=MONDAY + number * 3600) for number in range(1, 5)]
    assert kept(day, Keep(daily=7, weekly=0, monthly=0)) == [4]


def test_each_tells_why() -> None:
    decision = retain([backup(1), backup(2), backup(3, verified=0)], Keep(1, 0, 0))
    assert decision.stays == {
        "db_20270002T000000Z.dump.zst": "the newest verified one",
        "db_20270003T000000Z.dump.zst": "newer than the newest verified one",
    }
    assert decision.goes == {"db_20270001T000000Z.dump.zst": "its place has a newer one"}


def test_broken_ones_never_take_a_place() -> None:
    """Ninety-one dumps of three kilobytes pushed the good ones out (incident 58)."""
    good = [backup(number) for number in range(1, 8)]
    broken = [backup(n, bytes=3300, verified=0, failure="cut off") for n in range(8, 99)]
    assert kept([*good, *broken], Keep())[:7] == [1, 2, 3, 4, 5, 6, 7]


def test_without_a_verified_one_nothing_goes() -> None:
    unverified = [backup(number, verified=0) for number in range(1, 50)]
    assert retain(unverified, Keep(1, 1, 1)).goes == {}


def test_one_whose_check_failed_goes_when_a_newer_one_is_verified() -> None:
    decision = retain([backup(1, verified=0, failure="cut off"), backup(2)], Keep())
    assert decision.goes == {
        "db_20270001T000000Z.dump.zst": "its check failed, and a newer one is verified"
    }


def test_what_a_release_was_made_after_stays() -> None:
    assert kept(
        [backup(1), backup(2), backup(3)], Keep(1, 0, 0), ("db_20270001T000000Z.dump.zst",)
    ) == [1, 3]


def test_a_clock_that_went_back_a_year_costs_no_backup_made_since() -> None:
    before = [backup(number) for number in range(1, 8)]
    after = [replace(backup(n), taken=backup(n).taken - 365 * DAY) for n in range(8, 11)]
    assert kept([*before, *after], Keep(5, 0, 0)) == [6, 7, 8, 9, 10]


def test_a_clock_that_was_in_the_future_for_a_night_costs_no_later_backup() -> None:
    odd = backup(5, taken=MONDAY + 4000 * DAY)
    nights = [*(backup(n) for n in range(1, 5)), odd, *(backup(n) for n in range(6, 10))]
    assert kept(nights, Keep(3, 0, 0)) == [7, 8, 9]


def shelf(codes: list[int]) -> list[Backup]:
    """Backups in the order in which they were made, by clocks that jump: a code says all of one."""
    return [
        backup(number, taken=MONDAY + (code // 4 - 450) * DAY // 2, verified=code % 4 and 1)
        for number, code in enumerate(codes, start=1)
    ]


@pytest.mark.timeout(300)
@examples(10_000)
@given(
    backups=st.lists(st.integers(0, 3600), max_size=16).map(shelf),
    keep=st.builds(Keep, st.integers(0, 9), st.integers(0, 5), st.integers(0, 7)),
    needed=st.sets(st.integers(1, 16), max_size=2),
)
def test_no_good_backup_is_ever_lost(backups: list[Backup], keep: Keep, needed: set[int]) -> None:
    names = {one.name for one in backups}
    wanted = {one.name for one in backups if one.number in needed}
    decision = retain(backups, keep, wanted)
    stays, goes = set(decision.stays), set(decision.goes)
    assert stays | goes == names
    assert not stays & goes
    assert wanted <= stays
    verified = [one for one in backups if one.verified]
    if not verified:
        assert goes == set()
        return
    newest = verified[-1]
    assert newest.name in stays
    assert {one.name for one in backups if one.number > newest.number} <= stays
    # The last days that have a verified backup keep one of each, and each place at most one.
    days = list(dict.fromkeys(one.taken // DAY for one in reversed(verified)))
    for day in days[: keep.daily]:
        assert any(one.taken // DAY == day and one.name in stays for one in verified)
    places = keep.daily + keep.weekly + keep.monthly + 1
    assert len([one for one in verified if one.name in stays - wanted]) <= places
    # What stays is stable: removing what goes makes nothing else go.
    left = [one for one in backups if one.name in stays]
    assert retain(left, keep, wanted).goes == {}
