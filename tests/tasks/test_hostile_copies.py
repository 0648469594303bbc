"""Whoever has the bucket's keys, and nothing else, against the commands that use what is in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from fabfile.model.data.offsite import FORGED, UNSIGNED, signature

from .fakes.fleet import Fleet
from .fakes.machine import CHECKOUT
from .fakes.storage import SIGNING
from .shelves import backed_up, shelf
from .test_offsite import ENV, FOLDER, HERE, SETTINGS, emptied, settings

PATH = "../../../home/ubuntu/.ssh/authorized_keys_x"
KEY = "ssh-ed25519 AAAA attacker"


@pytest.fixture
def stored(filled: Fleet) -> Fleet:
    """Off-site settings, and a copy of a backup that the server has lost."""
    settings(filled, SETTINGS)
    filled.ubuntu.files[f"{CHECKOUT}/.env"] += ENV
    return filled


def told(fleet: Fleet, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(fleet.storage.objects[f"{FOLDER}{name}.json"])
    return found


def put(fleet: Fleet, name: str, text: object) -> None:
    data = text.encode() if isinstance(text, str) else json.dumps(text).encode()
    fleet.storage.objects[f"{FOLDER}{name}"] = data


def vouch(manifest: dict[str, Any], data: str, key: str = "") -> dict[str, Any]:
    """The manifest for other bytes, signed with ``key`` or with nothing."""
    digest = hashlib.sha256(data.encode()).hexdigest()
    manifest = {**manifest, "sha256": digest}
    manifest["object"] = {**manifest["object"], "bytes": len(data), "sha256": digest}
    manifest.pop("signature", None)
    return {**manifest, "signature": signature(manifest, key)} if key else manifest


def unsigned(manifest: dict[str, Any]) -> dict[str, Any]:
    return vouch(manifest, KEY)


def foreign(manifest: dict[str, Any]) -> dict[str, Any]:
    return vouch(manifest, KEY, "the attacker has a key of his own")


def changed(manifest: dict[str, Any]) -> dict[str, Any]:
    return {**vouch(manifest, KEY), "signature": manifest["signature"]}


ATTACKS: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], str]] = {
    "unsigned": (unsigned, UNSIGNED),
    "signed with another key": (foreign, FORGED),
    "changed after it was signed": (changed, FORGED),
}


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize(
    "command", ["db.restore --yes", "db.restore --yes --into drill", "db.verify"]
)
def test_what_an_attacker_puts_there_is_refused_before_a_byte_reaches_the_server(
    stored: Fleet, attack: str, command: str
) -> None:
    (name,) = backed_up(stored)
    emptied(stored)
    forge, why = ATTACKS[attack]
    put(stored, name, KEY)
    put(stored, f"{name}.json", forge(told(stored, name)))
    with stored.untouched():
        ran = stored.fab(f"{command} --from {HERE}{name}")
        assert (ran.code, ran.error) == (2, f"ubuntu: {HERE}{name}.json: {why}; docs/backup.md")
        ran = stored.fab(f"{command} --from {name}")
        assert (ran.code, ran.error) == (2, f"ubuntu: {name} does not count: {why}")
        for word in ("newest", "latest"):
            assert stored.fab(f"{command} --from {word}").code == 2
    assert stored.fab("db.list --json").json["strays"] == {f"{HERE}{name}.json": why}
    assert stored.fab("db.list --json").json["backups"] == []


def test_one_backup_in_the_place_of_another_is_refused(stored: Fleet) -> None:
    """The signature is good: yesterday's users come back under the name of today's."""
    first, second = backed_up(stored, 2)
    emptied(stored)
    for end in ("", ".json"):
        stored.storage.objects[f"{FOLDER}{second}{end}"] = stored.storage.objects[
            f"{FOLDER}{first}{end}"
        ]
    with stored.untouched():
        ran = stored.fab(f"db.restore --yes --from {HERE}{second}")
    why = "its manifest is that of another backup"
    assert (ran.code, ran.error) == (2, f"ubuntu: {HERE}{second}.json: {why}; docs/backup.md")


@pytest.mark.parametrize("path", [PATH, f"../{PATH}", "/etc/cron.d/x", "x\n"])
def test_a_name_that_is_a_path_writes_no_file_even_with_the_key(stored: Fleet, path: str) -> None:
    (name,) = backed_up(stored)
    emptied(stored)
    manifest = told(stored, name)
    manifest["about"]["name"] = manifest["object"]["name"] = path
    put(stored, f"{name}.json", vouch(manifest, KEY, SIGNING))
    put(stored, f"{path}.json", vouch(manifest, KEY, SIGNING))
    put(stored, path, KEY)
    files = set(stored.ubuntu.files)
    with stored.untouched():
        for source in (f"{HERE}{name}", name, f"{HERE}{path}", path, "newest"):
            words = ["db.verify", "--from", source]
            assert stored.fab(" ".join(words) if "\n" not in source else "db.verify").code == 2
    assert set(stored.ubuntu.files) == files
    strays = stored.fab("db.list --json").json["strays"]
    assert strays[f"{HERE}{name}.json"] == "not a manifest"
    assert strays[f"{HERE}{path}"] == "no backup is called so"


def test_an_object_that_grew_since_it_was_listed_is_given_up_at_its_size(stored: Fleet) -> None:
    (name,) = backed_up(stored)
    emptied(stored)
    stored.storage.objects[f"{FOLDER}{name}"] += b"x" * 10**6
    ran = stored.fab(f"db.verify --from {HERE}{name}")
    assert ran.code == 1
    assert ran.error == f"{HERE}{name} is not what was sent: its digest is another one"
    assert shelf(stored) == []
    assert max(len(text) for text in stored.ubuntu.inputs) < 10_000


def test_a_copy_that_proves_nothing_is_named_and_not_mended_in_silence(stored: Fleet) -> None:
    (name,) = backed_up(stored)
    put(stored, f"{name}.json", unsigned(told(stored, name)))
    there = stored.storage.objects[f"{FOLDER}{name}.json"]
    warning = f"[ubuntu] warning: {name} is verified, but its copy does not count: {UNSIGNED}"
    ran = stored.fab("db.verify")
    assert ran.code == 0
    assert f"{warning}; docs/backup.md" in ran.lines
    assert stored.storage.objects[f"{FOLDER}{name}.json"] == there
    ran = stored.fab("db.backup --quiet")
    assert ran.code == 0, ran.everything
    named = f"[ubuntu] warning: {HERE}{name}.json does not count: {UNSIGNED}; docs/backup.md"
    assert named in ran.lines
    # The server has the backup itself: its copy is made anew, and that was said.
    assert stored.fab("db.list --json").json["strays"] == {}
    assert len(shelf(stored)) == 2


def test_the_signing_key_is_never_shown_and_in_no_command(stored: Fleet) -> None:
    backed_up(stored)
    emptied(stored)
    ran = stored.fab("db.verify")
    assert ran.code == 0, ran.everything
    assert SIGNING not in ran.everything
    words = [word for line in stored.ubuntu.transcript for word in line]
    assert not [word for word in words if SIGNING in word]
    assert not [text for text in stored.ubuntu.inputs if SIGNING in text]
