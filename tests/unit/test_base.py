"""Base backups as values."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabfile.model.data.base import (
    Base,
    Bases,
    needed_segment,
    parse_base,
    parse_bases,
    when,
)
from fabfile.model.errors import Trouble
from fabfile.model.typed import parse_instant

BASE = Base(
    "base_20270001T000000Z.tar.zst", 1, 1000, "ubuntu", "somebody", 500, "ab" * 32, 1010, "7" * 24
)


def manifest(base: Base) -> str:
    later = {"bytes": base.bytes, "sha256": base.sha256}
    later |= {"ended": base.ended, "segment": base.segment}
    return json.dumps({"about": json.loads(base.about), **later})


def row(*numbers: int) -> Bases:
    """Bases a day apart."""
    return Bases(
        10_000_000,
        tuple(
            replace(BASE, name=f"base_{n}", number=n, taken=n * 86400, ended=n * 86400 + 60)
            for n in numbers
        ),
    )


def test_a_manifest_says_what_it_was_told() -> None:
    assert parse_base(manifest(BASE)) == BASE


@pytest.mark.parametrize("line", ["", "[]", "{}", '{"about": {}}', manifest(BASE)[:-9], "null"])
def test_what_is_no_manifest_is_no_base(line: str) -> None:
    assert parse_base(line) is None


def test_a_file_of_another_size_is_no_base() -> None:
    other = replace(BASE, name="base_20270002T000000Z.tar.zst", number=2)
    output = "now 7\n" + "".join(
        f"base {size} {name} {text}\n"
        for size, name, text in (
            (500, other.name, manifest(other)),
            (499, BASE.name, manifest(BASE)),
            (500, other.name, "torn"),
            (500, other.name, manifest(BASE)),
        )
    )
    assert parse_bases(output) == Bases(7, (other,))


def test_the_newest_base_before_an_instant_leads_to_it() -> None:
    bases = row(1, 2, 3)
    assert bases.before(2 * 86400 + 59) == bases.bases[0]
    assert bases.before(2 * 86400 + 60) == bases.bases[1]
    assert bases.before(86400) is None
    assert row().next_number() == 1
    assert bases.next_number() == 4


@given(st.integers(0, 9), st.integers(0, 9))
def test_as_many_stay_as_are_kept_and_the_newest_always_does(number: int, keep: int) -> None:
    bases = row(*range(1, number + 1))
    gone = bases.outlived(keep)
    assert len(bases.bases) - len(gone) == min(number, max(keep, 1))
    assert bases.bases[: len(gone)] == gone


def test_the_log_is_needed_from_the_oldest_segment_on() -> None:
    assert needed_segment([replace(BASE, segment="2"), replace(BASE, segment="1")]) == "1"
    assert needed_segment([]) == ""


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T14:30:00",
        "2026-11-23 14:30",
        "2026-11-23T15:30:00+01:00",
        "2026-11-23T14:30:00Z",
        "2026-11-23T14:30:00.9",
    ],
)
def test_an_instant_is_utc_unless_it_says_otherwise(text: str) -> None:
    assert when(parse_instant(text)) == "2026-11-23 14:30:00 UTC"


@given(st.text())
def test_whatever_is_no_instant_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(Trouble) as caught:
        parse_instant(f"never {text}")
    assert caught.value.code == 2
    assert len(caught.value.message.splitlines()) == 1
