"""The plan as a person reads it: a page of 100 columns that says each thing once."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from .fakes.fleet import Fleet

IMAGE = f"registry.example.com/a-team/with-a-name/proxy-of-the-application@sha256:{'0123abcd' * 8}"
SUBJECTS = {
    "long": "Load the list of wishes before their pictures, so that a shop without haste keeps"
    " nobody waiting",
    "wide": "願い事の一覧を先に読み込む。画像は後で読み込むので遅い店でも誰も待たない。"
    "長い題名の折り返しを試す",
    "one word": "x" * 250,
}


@pytest.mark.parametrize("subject", SUBJECTS.values(), ids=SUBJECTS)
def test_a_plan_fits_100_columns_and_names_the_subject_once(running: Fleet, subject: str) -> None:
    stack = running.origin.tip.files["compose/ubuntu.yml"].replace("proxy:1", IMAGE)
    changes = {"compose/ubuntu.yml": stack, "services/api/app.py": "x\n"}
    running.origin.commit(subject, changes)
    lines = running.fab("ubuntu.plan").lines
    assert max(map(cell_len, lines)) <= 100
    whole = "".join(text.removeprefix("[ubuntu] ").replace(" ", "") for text in lines)
    assert whole.count(subject.replace(" ", "")) == 1
    assert f"pull{IMAGE}:notontheserver" in whole


def test_a_plan_is_broken_at_words_and_the_rest_of_a_step_stands_below_it(running: Fleet) -> None:
    running.origin.commit(SUBJECTS["long"], {"services/api/app.py": "x\n"})
    first = (
        "plan for 00000002 Load the list of wishes before their pictures, so that a shop without"
    )
    assert running.fab("ubuntu.plan").lines[:3] == [
        f"[ubuntu] {first}",
        "[ubuntu]   haste keeps nobody waiting (from 00000001)",
        "[ubuntu]    1. fetch 00000002: the wanted commit",
    ]
