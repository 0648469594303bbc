"""Off-site copies as values: what counts, what is missing, what an address means."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabfile.model.backup import Backup, Shelf
from fabfile.model.errors import REFUSED, Trouble
from fabfile.model.offsite import (
    Copy,
    Folder,
    Offsite,
    Stock,
    address,
    both,
    parse_copy,
    stock,
    to_copy,
    to_renew,
)
from fabfile.model.retention import Keep, retain
from fabfile.ops.offsite import Places

from .backups import backup


def copy(number: int, **changes: object) -> Copy:
    made = backup(number, **changes)
    return Copy(made, f"{made.name}.age", 1200, "cd", "age1x")


def shelf(*backups: Backup) -> Shelf:
    return Shelf(0, 0, backups)


def test_a_manifest_reads_as_it_was_written() -> None:
    assert parse_copy(copy(1).to_manifest()) == copy(1)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", backup(1).to_manifest(), json.dumps({"object": {}})],
    ids=["nothing", "torn", "a list", "of a backup", "of nothing"],
)
def test_what_is_no_manifest_of_a_copy_is_none(text: str) -> None:
    assert parse_copy(text) is None


def test_a_manifest_under_another_name_vouches_for_nothing() -> None:
    one = copy(1)
    found = stock({one.object: 1200, "other.json": 9}, {"other.json": one.to_manifest()})
    assert found == Stock({}, {one.object: "no manifest", "other.json": "not a manifest"})


def test_copies_stand_in_the_order_in_which_their_backups_were_made() -> None:
    late, early = copy(2, name="db_a"), copy(1, name="db_b")
    sizes = {"db_a.age": 1200, "db_b.age": 1200, "db_a.json": 9, "db_b.json": 9}
    texts = {f"{one.backup.name}.json": one.to_manifest() for one in (late, early)}
    assert list(stock(sizes, texts).copies) == ["db_b", "db_a"]


def test_the_prefix_may_be_empty() -> None:
    assert Offsite(bucket="b").folder("ubuntu") == Folder("b", "ubuntu/")
    assert Offsite(bucket="b", prefix="a/b").folder("ubuntu") == Folder("b", "a/b/ubuntu/")


@pytest.mark.parametrize("end", ["", ".age", ".json"])
def test_an_address_means_a_backup_whichever_of_its_objects_it_names(end: str) -> None:
    assert address(f"s3://b/a/ubuntu/db_1.sql.zst{end}") == (
        Folder("b", "a/ubuntu/"),
        "db_1.sql.zst",
    )
    assert address("s3://b/db_1.sql.gz") == (Folder("b", ""), "db_1.sql.gz")


@pytest.mark.parametrize(
    "text", ["s3://", "s3://b", "s3://b/", "s3:///x", "s3://b//x", "s3://b/a/"]
)
def test_half_an_address_is_refused(text: str) -> None:
    with pytest.raises(Trouble, match="is not s3://BUCKET/PREFIX/SERVER/NAME") as caught:
        address(text)
    assert caught.value.code == REFUSED


def test_a_backup_of_both_places_is_verified_when_either_says_so() -> None:
    known, unknown = backup(1), backup(1, verified=0)
    failed = backup(1, verified=0, failure="damaged")
    assert both(shelf(known), {known.name: copy(1, verified=0)}) == (known,)
    assert both(shelf(unknown), {known.name: copy(1)}) == (known,)
    assert both(shelf(failed), {known.name: copy(1)}) == (known,)
    assert both(shelf(failed), {known.name: copy(1, verified=0)}) == (failed,)


def test_what_is_missing_is_what_stays_and_did_not_fail() -> None:
    bad = backup(3, verified=0, failure="damaged")
    there = {backup(1).name: copy(1)}
    everything = shelf(backup(1), backup(2), bad, backup(4), backup(5))
    stays = [backup(n).name for n in (1, 2, 3, 5)]
    assert to_copy(everything, there, stays) == [backup(2), backup(5)]


def test_only_a_later_check_of_the_same_bytes_is_told() -> None:
    before = copy(1, verified=0)
    (renewed,) = to_renew(shelf(backup(1)), {backup(1).name: before})
    assert renewed == replace(before, backup=backup(1))
    assert to_renew(shelf(backup(1)), {backup(1).name: copy(1)}) == []
    assert to_renew(shelf(backup(1, verified=0)), {backup(1).name: copy(1)}) == []
    other = copy(1, verified=0, sha256="other")
    assert to_renew(shelf(backup(1)), {backup(1).name: other}) == []


PLACES = st.dictionaries(
    st.integers(1, 60), st.tuples(st.sampled_from("hob"), st.booleans()), min_size=1, max_size=25
)


@given(PLACES, st.integers(0, 4), st.integers(0, 3))
def test_no_place_loses_its_last_verified_one_and_nothing_is_copied_to_be_removed(
    standing: dict[int, tuple[str, bool]], daily: int, weekly: int
) -> None:
    """``h``: here alone, ``o``: off-site alone, ``b``: both."""
    made = {n: backup(n, **({} if ok else {"verified": 0})) for n, (_, ok) in standing.items()}
    here = shelf(*(made[n] for n in sorted(made) if standing[n][0] in "hb"))
    there = {
        made[n].name: copy(n, verified=made[n].verified)
        for n in sorted(made)
        if standing[n][0] in "ob"
    }
    plan = retain(both(here, there), Keep(daily, weekly, 0))
    places = Places(here, Stock(there), plan)
    copied = {one.name for one in to_copy(here, there, plan.stays)}
    assert not copied & set(plan.goes)
    for backups, doomed in (
        (here.backups, places.doomed_here),
        ([one.backup for one in there.values()], places.doomed_there),
    ):
        verified = [one.name for one in backups if one.verified]
        if verified:
            assert set(verified) - set(doomed)
            assert verified[-1] not in doomed
        else:
            assert not [name for name in doomed if name not in plan.goes]
        assert set(doomed) <= {one.name for one in backups} & set(plan.goes)
