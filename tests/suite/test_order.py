"""The order of the files that need the lab."""

from __future__ import annotations

from tests.lab.order import groups, places

TESTS = [
    ("scene_of_two", ("scenes", "scene")),
    ("scene_of_two", ("scenes", "scene")),
    ("story_a", ("scenes", "sick")),
    ("story_b", ("scenes", "fresh")),
    ("story_b", ("scene", "scenes")),
    ("at_the_base", ("pair", "servers_deployed")),
    ("empties", ("lab",)),
    ("empties", ("pair",)),
    ("alone", ("scenes",)),
]


def test_what_reads_a_story_is_played_by_one_worker() -> None:
    assert groups(TESTS) == {
        "scene_of_two": "scene_of_two",
        "story_a": "stories",
        "story_b": "stories",
        "at_the_base": "at_the_base",
        "empties": "empties",
        "alone": "alone",
    }


def test_who_empties_servers_comes_first_and_scenes_last_the_longest_first() -> None:
    place = places(TESTS)
    assert sorted(place, key=lambda file: (*place[file], file)) == [
        "empties",
        "at_the_base",
        "story_a",
        "story_b",
        "scene_of_two",
        "alone",
    ]
