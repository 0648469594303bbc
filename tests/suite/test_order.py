"""The order of the files that need the lab."""

from __future__ import annotations

from pathlib import Path

from tests.lab.order import ROOT, STORIES, groups, places, told_together

TESTS = [
    ("scene_of_two", ("lab", "scenes", "scene")),
    ("scene_of_two", ("lab", "scenes", "scene")),
    ("scene_of_two", ()),
    ("story_a", ("lab", "scenes", "sick")),
    ("story_b", ("lab", "scenes", "fresh")),
    ("story_b", ("lab", "scene", "scenes")),
    ("story_b", ("lab", "scene", "scenes")),
    ("at_the_base", ("lab", "pair", "servers_deployed")),
    ("at_the_base", ("lab",)),
    ("empties", ("lab", "emptied", "pair", "servers_deployed")),
    ("empties", ("lab", "pair", "servers_deployed")),
    ("bare", ("lab",)),
    ("alone", ("lab", "scenes")),
]


def test_what_reads_a_story_stands_together() -> None:
    assert groups(TESTS) == {
        "scene_of_two": "scene_of_two",
        "story_a": "stories",
        "story_b": "stories",
        "at_the_base": "at_the_base",
        "empties": "empties",
        "bare": "bare",
        "alone": "alone",
    }


def test_who_needs_least_comes_first_and_scenes_last_the_longest_first() -> None:
    place = places(TESTS)
    assert sorted(place, key=lambda file: (*place[file], file)) == [
        "bare",
        "empties",
        "at_the_base",
        "story_a",
        "story_b",
        "scene_of_two",
        "alone",
    ]


def test_one_worker_plays_whatever_reads_a_story() -> None:
    files = sorted(Path(ROOT, "tests/incidents").glob("test_*.py"))
    reading = [file for file in files if "tests.incidents.stories" in file.read_text()]
    told = {file: told_together(str(file.relative_to(ROOT))) for file in files}
    assert {file for file in files if told[file] == STORIES} == {*reading}
    assert len(reading) > 5
    assert {*told.values()} - {STORIES} == {
        str(file.relative_to(ROOT)) for file in files if file not in reading
    }
