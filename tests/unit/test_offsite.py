"""Off-site copies as values: what counts, what is missing, what an address means."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabfile.model.data.backup import Backup, Shelf
from fabfile.model.data.offsite import (
    Copy,
    Doubt,
    Folder,
    Offsite,
    Stock,
    address,
    both,
    read_copy,
    stock,
    to_copy,
    to_renew,
)
from fabfile.model.data.retention import Keep, retain
from fabfile.model.errors import REFUSED, Trouble
from fabfile.ops.data.offsite import Places

from .backups import backup

KEY = "a key that nobody with the bucket alone has"
RECIPIENT = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"


def copy(number: int, **changes: object) -> Copy:
    made = backup(number, **changes)
    return Copy(made, f"{made.name}.age", 1200, "cd" * 32, RECIPIENT)


def shelf(*backups: Backup) -> Shelf:
    return Shelf(0, 0, backups)


def read(text: str) -> Copy:
    return read_copy(text, backup(1).name, "ubuntu", KEY)


def listed(*copies: Copy) -> tuple[dict[str, int], dict[str, str]]:
    """The objects and the manifests of these copies, as they should be."""
    sizes = {one.object: one.bytes for one in copies}
    texts = {f"{one.backup.name}.json": one.to_manifest(KEY) for one in copies}
    return sizes | {name: len(text) for name, text in texts.items()}, texts


def test_a_manifest_reads_as_it_was_written() -> None:
    assert read(copy(1).to_manifest(KEY)) == copy(1)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '"text"', "[" * 100_000, '{"a": 1e999}'[:-1]],
    ids=["nothing", "torn", "a list", "null", "a text", "deep", "torn number"],
)
def test_what_is_no_manifest_of_a_copy_says_so(text: str) -> None:
    with pytest.raises(Doubt, match=r"^not a manifest$"):
        read(text)


def test_copies_stand_in_the_order_in_which_their_backups_were_made() -> None:
    late, early = copy(2), copy(1)
    assert list(stock(*listed(late, early), "ubuntu", KEY).copies) == [
        early.backup.name,
        late.backup.name,
    ]


def test_the_prefix_may_be_empty() -> None:
    assert Offsite(bucket="b").folder("ubuntu") == Folder("b", "ubuntu/")
    assert Offsite(bucket="b", prefix="a/b").folder("ubuntu") == Folder("b", "a/b/ubuntu/")


@pytest.mark.parametrize("end", ["", ".age", ".json"])
def test_an_address_means_a_backup_whichever_of_its_objects_it_names(end: str) -> None:
    name = backup(1).name
    assert address(f"s3://backups/a/ubuntu/{name}{end}") == (Folder("backups", "a/ubuntu/"), name)
    assert Folder("backups", "a/ubuntu/").server == "ubuntu"


@pytest.mark.parametrize(
    "text",
    [
        "s3://",
        "s3://backups",
        "s3://backups/",
        f"s3:///{backup(1).name}",
        f"s3://backups/{backup(1).name}",
        f"s3://backups//{backup(1).name}",
        "s3://backups/a/",
        "s3://backups/a/db_1",
        f"s3://backups/../{backup(1).name}",
        f"s3://backups/a/../../x/{backup(1).name}",
        f"s3://backups/a\n/{backup(1).name}",
    ],
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
