"""The page for somebody's own project against what the matrix of features plays."""

from __future__ import annotations

from tests.docs.tables import DOCS, first_column
from tests.features.pairs import CARRIED, REFUSED
from tests.features.shapes import SHAPES

PAGE, HEADING = "own-project.md", "What your compose file may say"


def test_every_feature_that_is_played_has_its_row_and_no_other_has_one() -> None:
    named = [[name.strip("`") for name in first_column(PAGE, HEADING, number)] for number in (0, 1)]
    played = [[one.name.strip("`") for one in kind] for kind in (CARRIED, REFUSED)]
    assert named == played


def test_the_public_projects_that_were_a_pattern_are_named() -> None:
    text = (DOCS / PAGE).read_text()
    for shape in SHAPES:
        assert shape.like.partition(",")[0] in text
