"""The order of the files that need the lab."""

from __future__ import annotations

from tests.lab.order import groups, places

TESTS = [
    ("scene_of_two", ("lab", "scenes", "scene")),
    ("scene_of_two", ("lab", "scenes", "scene")),
    ("scene_of_two", ()),
    ("story_a", ("lab", "scenes", "sick")),
    ("story_b", ("lab", "scenes", "fresh")),
    ("story_b", ("lab", "scene", "scenes")),
    ("story_b", ("lab", "scene", "scenes")),
    ("at_the_base", ("lab", "pair", "servers_deployed")),
    ("empties", ("lab",)),
    ("empties", ("lab", "pair")),
    ("alone", ("lab", "scenes")),
]


def test_what_reads_a_story_stands_together() -> None:
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
