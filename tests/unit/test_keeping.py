"""What SOPS can keep of an ``.env``."""

from __future__ import annotations

import pytest

from fabfile.model.access.keeping import shown, storable
from fabfile.model.errors import Trouble


def test_it_keeps_each_line_without_the_blank_ones() -> None:
    text = "# why\n\nA=1\n  B='x # y'\n\t# note\n\nexport C=\n"
    assert storable(text) == "# why\nA=1\nB='x # y'\n# note\nexport C=\n"
    assert storable(storable(text)) == storable(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("A=1\nKEY='one\ntwo'\n", "KEY: SOPS keeps no value of several lines; make it one line"),
        ("A=1\nnothing\n", ".env has a line that is not KEY=value; fab env.check names it"),
        ("A=1\n'''\n", ".env has a line that is not KEY=value; fab env.check names it"),
    ],
)
def test_what_it_would_not_keep_is_refused_without_a_value(text: str, why: str) -> None:
    with pytest.raises(Trouble) as caught:
        storable(text)
    assert (caught.value.message, caught.value.code) == (why, 2)


def test_a_value_that_can_be_read_is_found() -> None:
    assert shown("A=ENC[x]\nB=secret-word\n", ["other-word", "secret-word"])
    assert not shown("A=ENC[true]\n", ["true", "other-word"])
