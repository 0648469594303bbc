"""Whoever can write the bucket, or a file beside the backups, and what that does not get him."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabfile.model import names
from fabfile.model.data import manifest
from fabfile.model.data.backup import parse_manifest, parse_shelf
from fabfile.model.data.base import parse_base
from fabfile.model.data.offsite import (
    ANOTHER,
    FORGED,
    UNSIGNED,
    Copy,
    Doubt,
    read_copy,
    signature,
    stock,
)
from fabfile.model.data.volume import parse_volume
from fabfile.model.errors import REFUSED, Trouble

from .backups import backup

KEY = "a key that nobody with the bucket alone has"
OTHERS = "another key of the same length and more....."
RECIPIENT = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
NAME = backup(1).name
COPY = Copy(backup(1), NAME, 1200, "ef" * 32)


def forged(change: Callable[[dict[str, Any]], object], key: str = "") -> str:
    """The good manifest, changed; signed with ``key``, or with its former signature."""
    told = json.loads(COPY.to_manifest(KEY))
    given_before = told.pop("signature")
    change(told)
    return json.dumps({**told, "signature": signature(told, key) if key else given_before})


def doubt(text: str, name: str = NAME, server: str = "ubuntu") -> str:
    with pytest.raises(Doubt) as caught:
        read_copy(text, name, server, KEY)
    return str(caught.value)


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "name": lambda told: told["about"].update(name=backup(2).name),
    "digest of the dump": lambda told: told.update(sha256="12" * 32),
    "digest of the object": lambda told: told["object"].update(sha256="12" * 32),
    "size of the object": lambda told: told["object"].update(bytes=1),
    "recipient": lambda told: told["object"].update(recipient=RECIPIENT),
    "content": lambda told: told["content"].pop(),
    "digest of the answers": lambda told: told.update(answered="12" * 32),
    "owners and rights": lambda told: told["rights"].append({"right": {"role": "attacker"}}),
    "verified": lambda told: told["about"].update(verified=9),
    "number": lambda told: told["about"].update(number=10**9),
    "server": lambda told: told["about"].update(server="montreal"),
    "something new": lambda told: told.update(more=1),
}


@pytest.mark.parametrize("what", CHANGES)
def test_whoever_changes_a_signed_manifest_makes_it_worthless(what: str) -> None:
    assert doubt(forged(CHANGES[what])) == FORGED


def test_whoever_takes_the_encryption_off_makes_it_worthless() -> None:
    sealed = replace(COPY, object=f"{NAME}.age", recipient=RECIPIENT)
    told = json.loads(sealed.to_manifest(KEY))
    told["object"] |= {"recipient": "", "name": NAME}
    assert doubt(json.dumps(told)) == FORGED


def test_whoever_has_no_key_cannot_sign() -> None:
    assert doubt(COPY.to_manifest(OTHERS)) == FORGED
    assert doubt(COPY.to_manifest("")) == FORGED
    told = json.loads(COPY.to_manifest(KEY))
    for signed in (None, "", 7, "\u00e9" * 64, "0" * 63, ["0" * 64]):
        assert doubt(json.dumps({**told, "signature": signed})) == UNSIGNED
    del told["signature"]
    assert doubt(json.dumps(told)) == UNSIGNED


def test_whoever_puts_one_backup_in_the_place_of_another_is_found_out() -> None:
    """The signature is good: of the other backup, or of another server's of that name."""
    assert doubt(COPY.to_manifest(KEY), name=backup(2).name) == ANOTHER
    assert doubt(COPY.to_manifest(KEY), server="montreal") == ANOTHER
    assert doubt(forged(lambda told: told["object"].update(name=backup(2).name), KEY)) == ANOTHER


PATHS = [
    "../../../home/ubuntu/.ssh/authorized_keys_x",
    "/etc/cron.d/x",
    "..",
    "",
    ".",
    "a/b",
    "db_20270001T000000Z.dump.zst/../x",
    "db_20270001T000000Z.dump.zst\n",
    "db_20270001T000000Z.dump.zst.json",
    "-db_20270001T000000Z.dump.zst",
    "db_20270001T000000Z.dump.zst\0",
    "db_\u0662\u0660270001T000000Z.dump.zst",
]


@pytest.mark.parametrize("path", PATHS)
def test_whoever_calls_a_backup_as_a_path_has_no_backup(path: str) -> None:
    """Not even with the key, and not on the server's own disk."""
    change = lambda told: told["about"].update(name=path)  # noqa: E731
    assert doubt(forged(change, KEY)) == "not a manifest"
    told = json.loads(backup(1).to_manifest())
    told["about"]["name"] = path
    assert parse_manifest(json.dumps(told)) is None
    shelf = parse_shelf(f"now 1\nfree 1\nfile 1000 {NAME}\nmanifest {NAME} {json.dumps(told)}")
    assert (shelf.backups, list(shelf.strays)) == ((), [NAME])


def test_a_manifest_beside_another_backup_vouches_for_nothing() -> None:
    two = backup(2).to_manifest()
    shelf = parse_shelf(f"now 1\nfree 1\nfile 1000 {NAME}\nmanifest {NAME} {two}")
    assert shelf.backups == ()
    assert shelf.strays == {NAME: "its manifest is none, or that of another backup"}


def test_plain_sql_of_before_is_named_and_never_counts() -> None:
    """Psql would run what follows a backslash in it."""
    old = NAME.replace(".dump.", ".sql.")
    text = backup(1).to_manifest().replace(NAME, old)
    shelf = parse_shelf(f"now 1\nfree 1\nfile 1000 {old}\nmanifest {old} {text}")
    assert shelf.backups == ()
    assert shelf.strays[old].startswith("plain SQL, which is not restored any more")


@pytest.mark.parametrize("key", [*PATHS, "x.json", "../x.json", f"a/{NAME}.json", f"../{NAME}"])
def test_whoever_puts_a_key_that_is_a_path_into_the_bucket_is_named(key: str) -> None:
    found = stock({key: 9}, {}, "ubuntu", KEY)
    assert found.copies == {}
    assert found.strays == {
        key: "no manifest" if key == f"{NAME}.json" else "no backup is called so"
    }


VALUES: dict[str, Any] = {
    "a float": 1.5,
    "endless": float("inf"),
    "less than nothing": -1,
    "huge": 10**400,
    "true": True,
    "text": "1",
    "half a character": "\ud800",
    "nothing": None,
    "a list": [],
}


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("key", ["number", "taken", "verified", "name", "server"])
def test_odd_values_are_no_manifest(key: str, value: str) -> None:
    told = json.loads(backup(1).to_manifest())
    told["about"][key] = VALUES[value]
    assert parse_manifest(json.dumps(told)) is None


# --- any bytes

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(PATHS),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
    ),
    max_leaves=12,
)
KEYS_OF_ONE = sorted(json.loads(COPY.to_manifest(KEY)))
KEYS_OF_ABOUT = sorted(json.loads(backup(1).about))


@st.composite
def manifests(draw: st.DrawFn) -> str:
    """Bytes, or a good manifest with something else in one or two places."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=200)).decode("utf-8", "replace")
    told: dict[str, Any] = json.loads(COPY.to_manifest(KEY))
    told[draw(st.sampled_from(KEYS_OF_ONE))] = draw(JSON)
    if isinstance(told["about"], dict):
        told["about"][draw(st.sampled_from(KEYS_OF_ABOUT))] = draw(JSON)
    if draw(st.booleans()):
        told["signature"] = signature(told, KEY)
    return json.dumps(told)


FOLDER = PurePosixPath("/opt/wishwithme/backups")


def stays_inside(name: str) -> bool:
    path = FOLDER / name
    return (
        path.parent == FOLDER and ".." not in path.parts and "\0" not in name and "\n" not in name
    )


@given(manifests(), st.text(max_size=40) | st.sampled_from([*PATHS, NAME, f"{NAME}.json"]))
def test_whatever_stands_in_a_manifest_or_as_a_key_never_leaves_its_folder(
    text: str, key: str
) -> None:
    try:
        copy = read_copy(text, NAME, "ubuntu", KEY)
    except Doubt:
        pass
    else:
        assert copy.backup.name == NAME
        assert copy.object in (NAME, f"{NAME}.age")
    for read in (parse_manifest, parse_base, parse_volume):
        found = read(text)
        assert found is None or stays_inside(found.name)
    listed = stock({key: 9, NAME: 1200}, {f"{NAME}.json": text}, "ubuntu", KEY)
    assert set(listed.copies) <= {NAME}
    line = text.replace("\n", " ")
    assert {
        one.name for one in parse_shelf(f"manifest {NAME} {line}\nfile 1000 {NAME}").backups
    } <= {NAME}


@given(st.text(max_size=80))
def test_whatever_is_given_as_a_database_is_a_plain_name_or_refused(text: str) -> None:
    try:
        name = names.database("--into", text)
    except Trouble:
        pass
    else:
        assert not set(name) & set("=/:?@ '\"\\\n\0%.,")
        assert not name.startswith("-")
        assert 0 < len(name.encode()) <= names.LONGEST


@pytest.mark.parametrize(
    "text",
    [
        "dbname=postgres",
        "host=203.0.113.1",
        "postgres://203.0.113.1/x",
        "postgresql:///postgres",
        "-d",
        "",
        "a" * 64,
        "x\n",
        "a b",
        'a"b',
        "\u00e9t\u00e9",
    ],
)
def test_connection_text_is_no_name_of_a_database(text: str) -> None:
    with pytest.raises(Trouble, match="is not a name here") as caught:
        names.database("--into", text)
    assert caught.value.code == REFUSED


def test_a_manifest_without_an_end_is_not_read() -> None:
    with pytest.raises(ValueError, match="too long"):
        manifest.load('{"a": "' + "x" * manifest.LONGEST)
