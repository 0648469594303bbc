"""JSON of others is read strictly: what is not exactly as it should be is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from fabfile.model.reading import Instant, load, make


@dataclass(frozen=True)
class Inner:
    """What stands in another one."""

    tag: str


@dataclass(frozen=True)
class Outer:
    """A field of every type that there is."""

    name: str
    at: Instant
    number: int = 0
    seconds: float = 0.0
    inner: tuple[Inner, ...] = ()
    named: Mapping[str, Inner] = field(default_factory=dict)
    pair: tuple[int, str] = (0, "")


WHOLE = (
    '{"name": "a", "at": 1, "number": 2, "seconds": 3, "inner": [{"tag": "t"}], "pair": [1, "b"]}'
)


def test_what_is_as_it_should_be_is_made() -> None:
    made = Outer("a", 1, 2, 3.0, (Inner("t"),), {}, (1, "b"))
    assert make(Outer, load(WHOLE)) == made
    assert make(Outer, load('{"name": "a", "at": 1}')) == Outer("a", 1)
    named = load('{"name": "a", "at": 1, "named": {"x": {"tag": "t"}}}')
    assert make(Outer, named).named == {"x": Inner("t")}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"a"', "1"), ('"a"', "null"), ('"a"', '["a"]'), ('"name": "a", ', ""),
        ('"at": 1', '"at": true'), ('"at": 1', '"at": -1'), ('"at": 1', '"at": 1.0'),
        ('"at": 1', '"at": 253402300800'), ('"at": 1', '"at": 1, "at": 1'),
        ('"number": 2', '"number": 9007199254740993'), ('"number": 2', '"number": 1e400'),
        ('"number": 2', f'"number": {"9" * 5000}'), ('"seconds": 3', '"seconds": NaN'),
        ('"seconds": 3', '"seconds": -Infinity'), ('"seconds": 3', f'"seconds": {"9" * 400}'),
        ('"seconds": 3', '"seconds": "3"'), ('{"tag": "t"}', '{"tag": "t", "colour": "red"}'),
        ('{"tag": "t"}', "{}"), ('{"tag": "t"}', "[]"), ('[{"tag": "t"}]', '{"tag": "t"}'),
        ('[1, "b"]', '["b", 1]'), ('[1, "b"]', "[1]"), ('[1, "b"]', '[1, "b", 2]'),
        ('"number": 2', '"colour": 2'), (WHOLE, "[]"), (WHOLE, "[" * 100_000), (WHOLE, ""),
    ],
)  # fmt: skip
def test_who_writes_another_value_makes_nothing(before: str, after: str) -> None:
    assert before in WHOLE
    with pytest.raises(ValueError, match=r"."):
        make(Outer, load(WHOLE.replace(before, after, 1)))


def test_half_a_character_becomes_the_sign_for_what_is_none() -> None:
    made = make(Outer, load('{"name": "a\\ud800b\\ud83d\\ude00", "at": 1}'))
    assert made.name == "a\ufffdb\U0001f600"


def test_a_large_number_in_a_free_answer_is_a_number() -> None:
    """A clock in nanoseconds, in what a service answers."""
    assert load('{"now": 1764424800000000000}') == {"now": 1_764_424_800_000_000_000}
