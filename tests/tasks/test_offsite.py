"""Off-site copies: what goes there, what comes back, and what a failure at each step leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from .fakes.backing import PAIRS
from .fakes.engine import Ended
from .fakes.fleet import Fleet, Ran
from .fakes.machine import CHECKOUT, ROOT
from .fakes.storage import BUCKET, KEYS, SIGNING, cut, refuses
from .shelves import backed_up, shelf

FOLDER = "site/ubuntu/"
HERE = f"s3://{BUCKET}/{FOLDER}"
SETTINGS = f"s3_bucket = {BUCKET}\ns3_prefix = site\n"
((RECIPIENT, PRIVATE),) = PAIRS.items()
ENV = f"S3_ACCESS_KEY_ID={KEYS[0]}\nS3_SECRET_ACCESS_KEY={KEYS[1]}\nBACKUP_SIGNING_KEY={SIGNING}\n"
AGAIN = "; the next fab db.backup tries again"
STAYS = "ubuntu: the backup is made and stays, but is not off-site: "


def settings(fleet: Fleet, text: str) -> None:
    fleet.hosts.write_text(fleet.hosts.read_text().replace("branch", f"{text}branch"))


@pytest.fixture
def stored(filled: Fleet) -> Fleet:
    """Off-site settings, and the keys for them on the server."""
    settings(filled, SETTINGS)
    env = f"{CHECKOUT}/.env"
    filled.ubuntu.files[env] += ENV
    return filled


@pytest.fixture
def encrypted(stored: Fleet) -> Fleet:
    settings(stored, f"age_recipient = {RECIPIENT}\n")
    return stored


def emptied(fleet: Fleet) -> None:
    """A new server: what stood in the folder of backups is gone."""
    for path in [path for path in fleet.ubuntu.files if path.startswith(f"{ROOT}/backups/")]:
        del fleet.ubuntu.files[path]
    fleet.ubuntu.dumps.clear()


def there(fleet: Fleet) -> list[str]:
    """The objects, without the folder."""
    return [key.removeprefix(FOLDER) for key in sorted(fleet.storage.objects)]


def manifest(fleet: Fleet, name: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(fleet.storage.objects[f"{FOLDER}{name}.json"])
    return found


# --- copying


def test_a_backup_goes_off_site_and_counts_when_it_was_read_back(stored: Fleet) -> None:
    settings(stored, "s3_storage_class = STANDARD_IA\n")
    ran = stored.fab("db.backup")
    assert ran.code == 0, ran.everything
    (made,) = shelf(stored)
    assert there(stored) == [made.name, f"{made.name}.json"]
    assert stored.storage.did == [f"upload {FOLDER}{made.name}", f"put {FOLDER}{made.name}.json"]
    assert stored.storage.classes == {f"{FOLDER}{made.name}": "STANDARD_IA"}
    assert ran.lines[-1].startswith(f"[ubuntu] copied to {HERE}{made.name} and read back in ")
    about = manifest(stored, made.name)["object"]
    assert isinstance(about, dict)
    assert (about["name"], about["bytes"], about["recipient"]) == (made.name, 300, "")
    assert len(about["sha256"]) == 64


def test_without_settings_nothing_is_asked_and_nothing_changes(filled: Fleet) -> None:
    assert filled.fab("db.backup").code == 0
    assert filled.fab("db.verify").code == 0
    assert filled.fab("db.list").code == 0
    assert filled.fab("db.prune").code == 0
    assert filled.storage.asked == 0


def test_only_ciphertext_leaves_where_there_is_a_recipient(encrypted: Fleet) -> None:
    (name,) = backed_up(encrypted)
    assert there(encrypted) == [f"{name}.age", f"{name}.json"]
    assert encrypted.storage.objects[f"{FOLDER}{name}.age"].startswith(f"for {RECIPIENT}".encode())
    assert encrypted.ubuntu.dumps[name] == {"public.users": 3}


def test_quiet_is_quiet_about_copies_too(stored: Fleet) -> None:
    assert stored.fab("db.backup --quiet").everything == ""


def test_neither_key_is_ever_shown_or_given_to_a_command(encrypted: Fleet, tmp_path: Path) -> None:
    key = identity(tmp_path)
    backed_up(encrypted)
    emptied(encrypted)
    encrypted.storage.fail("get .*age$", refuses(KEYS[1]), times=1)
    ran = encrypted.fab(f"db.verify --identity {key}")
    assert "[hidden]" in ran.error
    assert encrypted.fab(f"db.verify --identity {key}").code == 0
    for secret in (*KEYS, PRIVATE):
        assert secret not in ran.everything
        words = [word for words in encrypted.ubuntu.transcript for word in words]
        assert not [word for word in words if secret in word]
    assert any(f"\n{PRIVATE}\ncopy:\n" in text for text in encrypted.ubuntu.inputs)


def wrong(number: int) -> Callable[[Fleet], None]:
    def change(fleet: Fleet) -> None:
        fleet.storage.keys = (*KEYS[:number], "another", *KEYS[number + 1 :])  # type: ignore[assignment]

    return change


def failing(pattern: str, how: Callable[[str], Exception] = cut) -> Callable[[Fleet], None]:
    return lambda fleet: fleet.storage.fail(f"^{pattern}", how)


def on_the_server(code: int) -> Callable[[Fleet], None]:
    def change(fleet: Fleet) -> None:
        fleet.ubuntu.fail("^send", ended=Ended(code, err="the cause\n"))

    return change


def damaged(fleet: Fleet) -> None:
    fleet.storage.damage = lambda data: data[:-1] + b"x"


def cut_off(fleet: Fleet) -> None:
    fleet.ubuntu.cut_after = 100


def dropped(fleet: Fleet) -> None:
    fleet.ubuntu.dropped = True


def without(key: str) -> Callable[[Fleet], None]:
    def change(fleet: Fleet) -> None:
        env = f"{CHECKOUT}/.env"
        fleet.ubuntu.files[env] = fleet.ubuntu.files[env].replace(f"\n{key}=", "\nNOTHING=")

    return change


NEEDED = "off-site copies need S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY, BACKUP_SIGNING_KEY"
CUT = "Amazon's S3 cannot be reached, or the connection was cut"
FAILURES: dict[str, tuple[Callable[[Fleet], None], str]] = {
    "wrong key": (wrong(0), f"{HERE}: it does not know S3_ACCESS_KEY_ID of .env"),
    "wrong secret": (wrong(1), f"{HERE}: S3_SECRET_ACCESS_KEY of .env is wrong"),
    "no rights": (
        failing("upload ", refuses("AccessDenied")),
        f"{HERE}: the keys of .env may not do that (AccessDenied)",
    ),
    "no bucket": (
        failing("list", refuses("NoSuchBucket")),
        f"{HERE}: there is no such bucket; make it, or correct s3_bucket in hosts.ini",
    ),
    "unreachable": (failing("list"), f"{HERE}: {CUT}"),
    "before": (failing("upload "), f"{HERE}: {CUT}"),
    "in the middle": (failing("part|abort"), f"{HERE}: {CUT}"),
    "after a failure": (failing("part", refuses("SlowDown")), f"{HERE}: SlowDown: SlowDown of the"),
    "while read back": (failing("get .*zst$"), f"{HERE}: {CUT}"),
    "at the manifest": (failing("put"), f"{HERE}: {CUT}"),
    "busy server": (failing("put", refuses("SlowDown")), f"{HERE}: SlowDown: SlowDown of the"),
    "damaged there": (damaged, f"{HERE}NAME is not what was sent: its digest is another one"),
    "damaged here": (on_the_server(65), "ubuntu: NAME: the cause"),
    "two at once": (on_the_server(75), "ubuntu: NAME: the cause"),
    "connection to the server": (cut_off, "ubuntu: the connection is lost (TimeoutError)"),
    "a server that is gone": (
        dropped,
        "ubuntu: the connection is lost (the connection was cut)",
    ),
    "no key": (
        without("S3_ACCESS_KEY_ID"),
        f"ubuntu: S3_ACCESS_KEY_ID is missing in .env: {NEEDED}",
    ),
    "no signing key": (
        without("BACKUP_SIGNING_KEY"),
        (
            "ubuntu: BACKUP_SIGNING_KEY is missing in .env (make one, and keep a copy of it:"
            f" openssl rand -hex 32): {NEEDED}"
        ),
    ),
    "no secret": (
        without("S3_SECRET_ACCESS_KEY"),
        f"ubuntu: S3_SECRET_ACCESS_KEY is missing in .env: {NEEDED}",
    ),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failed_copy_fails_the_command_keeps_the_backup_and_the_next_run_heals_it(
    stored: Fleet, failure: str
) -> None:
    break_, cause = FAILURES[failure]
    env = stored.ubuntu.files[f"{CHECKOUT}/.env"]
    break_(stored)
    ran = stored.fab("db.backup --quiet")
    (made,) = shelf(stored)
    assert ran.code == 1, ran.everything
    assert ran.error.startswith(f"{STAYS}{cause.replace('NAME', made.name)}"), ran.error
    assert ran.error.endswith(AGAIN)
    assert len(ran.everything.splitlines()) == 1
    assert f"{made.name}.json" not in there(stored)
    assert bool(stored.storage.unfinished) == (failure == "in the middle")
    # What broke is whole again.
    stored.storage.faults.clear()
    stored.ubuntu.faults.clear()
    stored.storage.keys, stored.storage.damage, stored.ubuntu.cut_after = KEYS, bytes, 0
    stored.ubuntu.dropped = False
    stored.ubuntu.files[f"{CHECKOUT}/.env"] = env
    assert stored.fab("db.backup").code == 0
    found = stored.fab("db.list --json").json
    assert [backup["offsite"] for backup in found["backups"]] == [
        f"{HERE}{backup.name}" for backup in reversed(shelf(stored))
    ]
    assert found["strays"] == {}
    assert stored.storage.unfinished == {}
    assert stored.ubuntu.locks == {}


def test_whoever_finds_another_at_it_leaves_that_ones_upload_alone(stored: Fleet) -> None:
    stored.storage.fail("^upload ", cut, times=1)
    assert stored.fab("db.backup").code == 1
    (made,) = shelf(stored)
    stored.storage.unfinished["another's"] = f"{FOLDER}{made.name}"
    stored.ubuntu.fail("^send", ended=Ended(75, err="another one is copying it\n"), times=1)
    assert stored.fab("db.backup").code == 1
    assert list(stored.storage.unfinished) == ["another's"]
    assert stored.fab("db.backup").code == 0
    assert stored.storage.unfinished == {}


def test_a_server_without_age_says_so_before_anything_is_sent(encrypted: Fleet) -> None:
    encrypted.ubuntu.missing_programs = ("age",)
    ran = encrypted.fab("db.backup")
    assert (ran.code, ran.error) == (
        1,
        f"{STAYS}age is missing on the server; install it: sudo apt-get install age{AGAIN}",
    )
    assert encrypted.storage.objects == {}
    assert (
        "age is missing on the server; install it: sudo apt-get install age;"
        " until then no backup leaves the server"
    ) in encrypted.fab("status --json").json["ubuntu"]["warnings"]


def test_keys_that_are_missing_are_seen_by_status(stored: Fleet) -> None:
    without("S3_ACCESS_KEY_ID")(stored)
    found = stored.fab("status --json").json["ubuntu"]["warnings"]
    assert "S3_ACCESS_KEY_ID is missing in .env; until then no backup leaves the server" in found


def test_a_backup_that_failed_its_check_does_not_go_there(filled: Fleet) -> None:
    (bad,) = backed_up(filled)
    filled.ubuntu.fail("verify", ended=Ended(65, err="it was changed\n"), times=1)
    assert filled.fab("db.verify").code == 1
    env = f"{CHECKOUT}/.env"
    settings(filled, SETTINGS)
    filled.ubuntu.files[env] += ENV
    good = backed_up(filled)[-1]
    assert there(filled) == [good, f"{good}.json"]
    assert bad != good


def test_the_backup_before_a_migration_stays_local_until_the_next_db_backup(stored: Fleet) -> None:
    stored.origin.commit("Second", {"services/api/schema": "002\n"})
    assert stored.fab("ubuntu.deploy").code == 0
    (made,) = shelf(stored)
    assert stored.storage.asked == 0
    assert stored.fab("db.backup").code == 0
    assert made.name in there(stored)
    assert manifest(stored, made.name)["about"]["verified"] == made.verified  # type: ignore[index]


# --- verified off-site


def test_a_check_is_told_to_the_bucket(stored: Fleet) -> None:
    (name,) = backed_up(stored)
    assert stored.fab("db.verify").code == 0
    assert manifest(stored, name)["about"]["verified"] == shelf(stored)[0].verified  # type: ignore[index]


def test_a_check_that_cannot_be_told_says_so_and_the_next_backup_tells_it(stored: Fleet) -> None:
    (name,) = backed_up(stored)
    stored.storage.fail("^put", cut, times=1)
    ran = stored.fab("db.verify")
    assert ran.code == 1
    assert ran.error.startswith(
        f"ubuntu: {name} is verified, but its copy does not know it: {HERE}: {CUT}"
    )
    assert shelf(stored)[0].verified
    backed_up(stored)
    assert manifest(stored, name)["about"]["verified"] == shelf(stored)[0].verified  # type: ignore[index]


def test_a_file_that_was_damaged_here_says_nothing_of_its_copy(stored: Fleet) -> None:
    (name,) = backed_up(stored)
    assert stored.fab("db.verify").code == 0
    verified = shelf(stored)[0].verified
    stored.ubuntu.fail("verify", ended=Ended(65, err="it was changed\n"), times=1)
    assert stored.fab("db.verify").code == 1
    assert manifest(stored, name)["about"]["verified"] == verified  # type: ignore[index]
    listed = stored.fab("db.list --json").json["backups"]
    assert [(b["name"], b["verified"], b["stays"]) for b in listed] == [(name, verified, True)]


# --- list and prune


def test_the_list_tells_both_places_and_what_is_missing_where(stored: Fleet) -> None:
    first, second = backed_up(stored, 2)
    stored.storage.fail("^upload ", cut, times=1)
    assert stored.fab("db.backup").code == 1
    third = shelf(stored)[-1].name
    for name in (first, f"{first}.json"):
        stored.ubuntu.files.pop(f"{ROOT}/backups/{name}", None)
    del stored.ubuntu.dumps[first]
    stored.storage.objects[f"{FOLDER}db_20270001T000000Z.dump.zst"] = b"half"
    found = stored.fab("db.list --json").json
    assert [(b["name"], b["here"], b["offsite"]) for b in found["backups"]] == [
        (third, True, ""),
        (second, True, f"{HERE}{second}"),
        (first, False, f"{HERE}{first}"),
    ]
    assert found["offsite"] == HERE
    assert found["strays"] == {f"{HERE}db_20270001T000000Z.dump.zst": "no manifest"}
    table = stored.fab("db.list").out
    rows = {
        name: next(row for row in table.splitlines() if name in row)
        for name in (first, second, third)
    }
    assert "off-site only" in rows[first]
    assert " both " in rows[second]
    assert "here, not off-site" in rows[third]


def test_a_copy_of_another_size_or_without_its_object_does_not_count(stored: Fleet) -> None:
    first, second = backed_up(stored, 2)
    stored.storage.objects[f"{FOLDER}{first}"] += b"x"
    del stored.storage.objects[f"{FOLDER}{second}"]
    stored.storage.objects[f"{FOLDER}db_20270003T000000Z.dump.zst.json"] = b"{"
    assert stored.fab("db.list --json").json["strays"] == {
        f"{HERE}{first}": "301 bytes, not 300",
        f"{HERE}{second}.json": "its object is gone",
        f"{HERE}db_20270003T000000Z.dump.zst.json": "not a manifest",
    }


@pytest.fixture
def old(stored: Fleet) -> Fleet:
    """Four verified backups in both places, of which two are to stay."""
    settings(stored, "keep_daily = 2\nkeep_weekly = 0\nkeep_monthly = 0\n")
    for name in backed_up(stored, 4):
        assert stored.fab(f"db.verify --from {name}").code == 0
    stored.forget()
    stored.storage.did.clear()
    return stored


def test_prune_follows_one_plan_in_both_places(old: Fleet) -> None:
    names = [backup.name for backup in shelf(old)]
    ran = old.fab("db.prune")
    assert ran.code == 0, ran.everything
    assert [backup.name for backup in shelf(old)] == names[2:]
    assert there(old) == sorted([*names[2:], *(f"{name}.json" for name in names[2:])])
    assert old.storage.did == [
        f"delete {FOLDER}{name}{end}" for name in names[:2] for end in (".json", "")
    ]
    assert ran.lines[-1] == "[ubuntu] 4 to remove, 4 stay"
    assert ran.lines[-2] == f"[ubuntu] remove {HERE}{names[1]}: its place has a newer one"
    assert old.fab("db.backup").code == 0
    assert old.fab("db.prune").lines[-1] == "[ubuntu] 0 to remove, 6 stay"


def test_what_the_bucket_locks_is_kept_and_told_and_no_failure(old: Fleet) -> None:
    names = [backup.name for backup in shelf(old)]
    old.storage.fail(f"^delete {FOLDER}{names[0]}", refuses("AccessDenied"))
    ran = old.fab("db.prune")
    assert ran.code == 0, ran.everything
    assert f"[ubuntu] warning: {HERE}{names[0]} stays: AccessDenied" in ran.lines
    assert ran.lines[-1] == "[ubuntu] 3 to remove, 5 stay"
    assert names[0] in there(old)
    assert f"{names[0]}.json" in there(old)
    assert names[1] not in there(old)


@pytest.mark.parametrize("flags", ["", " --dry-run --yes"])
def test_on_a_terminal_prune_only_shows_what_would_go_there(old: Fleet, flags: str) -> None:
    with old.untouched():
        ran = old.fab_on_a_terminal(f"db.prune{flags}", "")
    assert ran.lines[-1] == "[ubuntu] 4 to remove, 4 stay; --yes removes them"
    assert old.storage.did == []


def test_each_place_keeps_its_last_verified_one(stored: Fleet) -> None:
    """The server was made anew; its copies are newer than what it has, or older."""
    settings(stored, "keep_daily = 1\nkeep_weekly = 0\nkeep_monthly = 0\n")
    (first,) = backed_up(stored)
    assert stored.fab("db.verify").code == 0
    emptied(stored)
    stored.storage.fail("^upload ", cut, times=1)
    assert stored.fab("db.backup").code == 1
    assert stored.fab("db.verify").code == 0
    (second,) = shelf(stored)
    assert stored.fab("db.prune").lines[-1] == "[ubuntu] 0 to remove, 2 stay"
    assert there(stored) == [first, f"{first}.json"]
    assert [backup.name for backup in shelf(stored)] == [second.name]


def test_a_server_made_anew_counts_on_above_its_copies(stored: Fleet) -> None:
    (first,) = backed_up(stored)
    emptied(stored)
    backed_up(stored)
    listed = stored.fab("db.list --json").json["backups"]
    assert [b["name"] for b in listed] == [shelf(stored)[0].name, first]
    assert listed[0]["number"] > listed[1]["number"]


# --- back again


def identity(folder: Path, text: str = PRIVATE) -> Path:
    file = folder / "identity"
    file.write_text(f"# created: today\n{text}\n")
    return file


def restored(fleet: Fleet) -> dict[str, int]:
    return fleet.ubuntu.rows


@pytest.fixture
def lost(stored: Fleet) -> Fleet:
    """A verified backup that stands off-site only, and a database without its users."""
    backed_up(stored)
    assert stored.fab("db.verify").code == 0
    emptied(stored)
    stored.ubuntu.rows = {"public.users": 0}
    stored.forget()
    return stored


def test_an_empty_server_comes_back_from_its_copies_alone(lost: Fleet) -> None:
    ran = lost.fab("db.restore --yes")
    assert ran.code == 0, ran.everything
    assert restored(lost) == {"public.users": 3}
    fetched, safety = shelf(lost)
    assert f", from {HERE}{fetched.name}; replaces database app" in ran.lines[0]
    assert lost.ubuntu.did[0] == f"receive {fetched.name}"
    assert fetched.verified
    assert safety.number == fetched.number + 1


def by_name(name: str) -> str:
    return name


def by_address(name: str) -> str:
    return f"{HERE}{name}"


@pytest.mark.parametrize("named", [by_name, by_address])
def test_a_copy_is_fetched_by_its_name_or_its_address(
    lost: Fleet, named: Callable[[str], str]
) -> None:
    name = there(lost)[0]
    assert lost.fab(f"db.restore --yes --from {named(name)}").code == 0
    assert restored(lost) == {"public.users": 3}


def test_an_address_needs_no_settings_but_the_keys(lost: Fleet) -> None:
    name = there(lost)[0]
    lost.hosts.write_text(lost.hosts.read_text().replace(SETTINGS, ""))
    assert lost.fab(f"db.restore --yes --from {HERE}{name}").code == 0
    assert restored(lost) == {"public.users": 3}


def test_what_stands_on_the_server_is_not_fetched_unless_its_address_is_given(
    stored: Fleet,
) -> None:
    (name,) = backed_up(stored)
    asked = stored.storage.asked
    assert stored.fab(f"db.restore --yes --into other --from {name}").code == 0
    assert stored.storage.asked == asked
    stored.ubuntu.dumps[name] = {}
    assert stored.fab(f"db.restore --yes --into third --from {HERE}{name}").code == 0
    assert stored.ubuntu.databases["third"] == {"public.users": 3}


def test_verify_fetches_what_stands_off_site_only(lost: Fleet) -> None:
    name = there(lost)[0]
    ran = lost.fab("db.verify")
    assert ran.code == 0, ran.everything
    assert lost.ubuntu.did == [f"receive {name}", f"verify {name}", f"put {name}.json"]


def test_an_encrypted_copy_comes_back_with_its_identity(encrypted: Fleet, tmp_path: Path) -> None:
    backed_up(encrypted)
    emptied(encrypted)
    encrypted.ubuntu.rows = {}
    ran = encrypted.fab(f"db.restore --yes --from newest --identity {identity(tmp_path)}")
    assert ran.code == 0, ran.everything
    assert restored(encrypted) == {"public.users": 3}
    assert not [text for text in encrypted.ubuntu.files.values() if PRIVATE in text]


def refusal(ran: Ran) -> str:
    assert ran.code == 2, ran.everything
    return ran.error


def test_an_encrypted_copy_without_the_right_identity_is_refused(
    encrypted: Fleet, tmp_path: Path
) -> None:
    (name,) = backed_up(encrypted)
    emptied(encrypted)
    restore = "db.restore --yes --from newest"
    key = identity(tmp_path)
    with encrypted.untouched():
        assert refusal(encrypted.fab(restore)) == (
            f"ubuntu: {name}.age is encrypted; --identity FILE names the private key of {RECIPIENT}"
        )
        assert refusal(encrypted.fab(f"{restore} --identity {tmp_path}/none")) == (
            f"ubuntu: identity {tmp_path}/none cannot be read: No such file or directory"
        )
        key.write_text(f"{RECIPIENT}\n")
        assert refusal(encrypted.fab(f"{restore} --identity {key}")) == (
            f"ubuntu: identity {key} holds no private key of age (AGE-SECRET-KEY-…)"
        )
        identity(tmp_path)
        encrypted.ubuntu.missing_programs = ("age",)
        assert refusal(encrypted.fab(f"{restore} --identity {key}")) == (
            "ubuntu: age is missing on the server; install it: sudo apt-get install age"
        )
    encrypted.ubuntu.missing_programs = ()
    identity(tmp_path, "AGE-SECRET-KEY-1WRONG")
    assert refusal(encrypted.fab(f"{restore} --identity {key}")) == (
        f"ubuntu: {name} did not come back: the identity does not open it: another private key does"
    )
    assert shelf(encrypted) == []


def deaf(fleet: Fleet) -> None:
    """The command ends before it has read what it is given."""
    fleet.ubuntu.deaf = 10
    fleet.ubuntu.fail("^receive", ended=Ended(74, err="1 MiB are free\n"))


BREAKS: dict[str, tuple[Callable[[Fleet], object], int, str]] = {
    "wrong key": (wrong(0), 2, f"{HERE}: it does not know S3_ACCESS_KEY_ID of .env"),
    "no bucket": (failing("list", refuses("NoSuchBucket")), 2, f"{HERE}: there is no such bucket"),
    "unreachable": (failing("list"), 1, f"{HERE}: {CUT}"),
    "cut": (failing("get .*zst$"), 1, f"{HERE}: {CUT}"),
    "gone": (failing("get .*zst$", refuses("NoSuchKey")), 1, f"{HERE}: the object is gone"),
    "no room": (deaf, 2, "ubuntu: NAME did not come back: 1 MiB are free"),
    "busy": (
        lambda fleet: fleet.ubuntu.fail("^receive", ended=Ended(75, err="a backup is running\n")),
        2,
        "ubuntu: NAME did not come back: a backup is running",
    ),
    "no key": (without("S3_ACCESS_KEY_ID"), 2, "ubuntu: S3_ACCESS_KEY_ID is missing in .env"),
}


@pytest.mark.parametrize("failure", BREAKS)
def test_what_cannot_be_fetched_touches_no_database(lost: Fleet, failure: str) -> None:
    name = there(lost)[0]
    break_, code, cause = BREAKS[failure]
    break_(lost)
    ran = lost.fab("db.restore --yes")
    assert (ran.code, ran.error[: len(cause.replace("NAME", name))]) == (
        code,
        cause.replace("NAME", name),
    ), ran.everything
    assert restored(lost) == {"public.users": 0}
    assert shelf(lost) == []
    # What began there has ended by itself when the command ends.
    began = failure in ("cut", "gone", "no room", "busy")
    assert lost.ubuntu.did == ([f"receive {name}"] if began else [])


def test_an_object_that_was_changed_is_never_restored(lost: Fleet) -> None:
    name = there(lost)[0]
    lost.storage.objects[f"{FOLDER}{name}"] = lost.storage.objects[f"{FOLDER}{name}"][:-1] + b"x"
    ran = lost.fab("db.restore --yes")
    assert ran.code == 1
    assert ran.error == f"{HERE}{name} is not what was sent: its digest is another one"
    assert restored(lost) == {"public.users": 0}


def test_an_address_that_is_none_or_leads_nowhere_is_refused(lost: Fleet) -> None:
    with lost.untouched():
        assert refusal(lost.fab("db.restore --yes --from s3://copies")) == (
            "'s3://copies' is not s3://BUCKET/PREFIX/SERVER/NAME; fab db.list shows them"
        )
        none = "db_20270001T000000Z.dump.zst"
        assert refusal(lost.fab(f"db.restore --yes --from {HERE}{none}")) == (
            f"ubuntu: no copy '{none}' in {HERE}; fab db.list"
        )
        assert refusal(lost.fab("db.restore --yes --from none")) == (
            "ubuntu: no backup 'none'; fab db.list lists them"
        )


def test_no_room_is_said_before_anything_is_fetched(lost: Fleet) -> None:
    lost.ubuntu.free = (256 << 20) + 8_000_000
    with lost.untouched():
        ran = lost.fab("db.restore --yes")
    assert refusal(ran).startswith("ubuntu: 263.6 MiB are free, restoring ")


def test_every_pipe_is_closed(stored: Fleet) -> None:
    before = stored.ubuntu.pipes_closed
    backed_up(stored)
    emptied(stored)
    assert stored.fab("db.verify").code == 0
    assert stored.ubuntu.pipes_closed == before + 2
