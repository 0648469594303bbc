"""Manifests, the shelf, and whether what came back is what was dumped."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from fabfile.model.data.backup import (
    Shelf,
    file_name,
    parse_manifest,
    parse_shelf,
    stale,
    suspicion,
)
from fabfile.model.data.database import Content, differences

from .backups import CONTENT, backup


def shelf_of(*lines: str) -> Shelf:
    return parse_shelf("\n".join(["now 100", "free 5000", *lines]))


def test_a_manifest_is_read_as_it_was_written() -> None:
    assert parse_manifest(backup(1).to_manifest()) == backup(1)


def test_the_manifest_that_the_script_writes_is_read_too() -> None:
    plain = backup(1, verified=0)
    answers = [
        {"revision": "007"},
        {"version": "16.10", "encoding": "UTF8", "collate": "C.UTF-8", "ctype": "C.UTF-8"}
        | {"bytes": 8_000_000, "session": CONTENT.session, "locale": CONTENT.locale},
        {"structure": "5f", "constraints": 3, "indexes": 4},
        {"table": "public.users", "rows": 3, "digest": "-17"},
        {"table": "public.items", "rows": 0, "digest": "0"},
    ]
    text = (
        f'{{"about":{plain.about},"bytes":1000,"sha256":"{"ab" * 32}","milliseconds":1500,'
        f'"answered":"{"cd" * 32}","content":{json.dumps(answers)},'
        '"rights":[{"right":{"role":"reader"}}]}'
    )
    assert parse_manifest(text) == plain
    before = replace(plain, content=replace(CONTENT, session={}, locale={}))
    old = json.loads(text)
    for key in ("session", "locale"):
        del old["content"][1][key]
    assert parse_manifest(json.dumps(old)) == before


@pytest.mark.parametrize("cut", [0, 1, 40, 400])
def test_a_torn_manifest_is_no_backup(cut: int) -> None:
    assert parse_manifest(backup(1).to_manifest()[:cut]) is None


def test_a_shelf_counts_only_whole_pairs_in_the_order_in_which_they_were_made() -> None:
    one, two, three = backup(3), backup(1), backup(2)
    found = shelf_of(
        *(f"manifest {each.name} {each.to_manifest()}" for each in (one, two, three)),
        f"file 1000 {one.name}",
        f"file 1000 {two.name}",
        f"file 999 {three.name}",
        "file 7 db_alone.sql.gz",
        f"manifest {backup(9).name} {backup(9).to_manifest()}",
    )
    assert (found.now, found.free) == (100, 5000)
    assert found.backups == (two, one)
    assert found.strays == {
        "db_20270002T000000Z.dump.zst": "999 bytes, not 1000",
        "db_20270009T000000Z.dump.zst": "its file is gone",
        "db_alone.sql.gz": "no manifest",
    }


def test_an_empty_shelf_has_nothing_to_find() -> None:
    empty = shelf_of()
    assert (empty.find("latest"), empty.expected()) == (None, 0)
    assert empty.next_number() == empty.now + 1


def test_latest_is_the_newest_verified_one() -> None:
    found = Shelf(0, 0, (backup(1), backup(2), backup(3, verified=0)))
    assert found.find("latest") == backup(2)
    assert found.find("db_20270003T000000Z.dump.zst") == backup(3, verified=0)
    assert (found.next_number(), found.expected()) == (4, 1500)


def test_equal_contents_do_not_differ() -> None:
    newer = replace(CONTENT, version="16.11", bytes=1)
    assert differences(CONTENT, newer) == []


@pytest.mark.parametrize(
    ("restored", "found"),
    [
        (replace(CONTENT, revision="006"), ["schema revision 006, not 007"]),
        (replace(CONTENT, constraints=2), ["2 constraints, not 3"]),
        (replace(CONTENT, indexes=0), ["0 indexes, not 4"]),
        (replace(CONTENT, structure="60"), ["its structure differs"]),
        (
            replace(CONTENT, tables={"public.users": (2, "-17"), "public.other": (1, "1")}),
            [
                "table public.items is missing",
                "table public.users has 2 rows, not 3",
                "table public.other is new",
            ],
        ),
        (
            replace(CONTENT, tables={**CONTENT.tables, "public.users": (3, "18")}),
            ["table public.users holds other rows"],
        ),
    ],
)
def test_every_difference_is_named(restored: Content, found: list[str]) -> None:
    assert differences(CONTENT, restored) == found


def test_a_check_is_remembered_with_its_time_or_its_cause() -> None:
    good = backup(1, verified=0, failure="cut off").checked(77, [])
    assert (good.verified, good.failure) == (77, "")
    bad = good.checked(78, ["2 indexes, not 4", "its structure differs"])
    assert (bad.verified, bad.failure) == (0, "2 indexes, not 4; its structure differs")


def test_a_night_without_a_good_backup_is_noticed() -> None:
    taken = backup(1).taken
    assert stale((), taken) == "there is no backup"
    assert stale((backup(1),), taken + 26 * 3600) == ""
    assert stale((backup(0), backup(1)), taken + 27 * 3600) == (
        "the last backup, db_20270001T000000Z.dump.zst, is 27 h old"
    )
    assert stale((backup(1, failure="cut off"),), taken) == (
        "the last backup, db_20270001T000000Z.dump.zst, failed its check: cut off"
    )


def test_a_backup_of_half_the_size_is_suspicious() -> None:
    assert suspicion(backup(2, bytes=500), backup(1)) == ""
    assert suspicion(backup(2, bytes=499), None) == ""
    assert suspicion(backup(2, bytes=499), backup(1)) == (
        "db_20270002T000000Z.dump.zst has 499 bytes,"
        " the verified db_20270001T000000Z.dump.zst had 1000; was data lost?"
    )


def test_two_backups_of_one_second_have_two_names() -> None:
    assert file_name("S", "gzip", ["db_S.dump.gz"]) == "db_Sb.dump.gz"
    assert file_name("S", "zstd", ["db_S.dump.gz"]) == "db_S.dump.zst"
