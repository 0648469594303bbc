"""docs/doctor.md: every check, in the order in which they are shown, and how each can come out."""

from __future__ import annotations

from fabfile.model.watch.checks import CHECKS

from .tables import tables

(ROWS,) = tables("doctor.md")["doctor"]


def test_every_check_has_its_row_in_the_order_of_the_code() -> None:
    assert {row[0]: row[1] for row in ROWS} == CHECKS
    assert [row[0] for row in ROWS] == list(CHECKS)


def test_each_can_come_out_badly() -> None:
    assert [row[0] for row in ROWS if not (row[2] or row[3])] == []
