"""The scripts that send a backup and receive a copy, run here, with an age of a few lines."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from invoke import Context

from fabfile.model.data.backup import Backup, parse_manifest
from fabfile.model.data.offsite import Copy
from fabfile.model.errors import FAILED, REFUSED, Trouble
from fabfile.remote.data import copies
from fabfile.remote.host import Host

from .backups import backup
from .builders import SERVER

DATA = bytes(range(256)) * 1000
AGE = """\
#!/bin/bash
# Puts the recipient before the data; opens it for the identity that is called after the recipient.
case $1 in
  --encrypt) printf '%s\\n' "$3"; cat ;;
  --decrypt)
    printf '%s\\n' "$*" >>"$STUBS/arguments"
    identity=$(cat "$3")
    IFS= read -r recipient
    [ "$identity" = "AGE-SECRET-KEY-$recipient" ] ||
      { echo 'age: error: no identity matched any of the recipients' >&2; exit 1; }
    [ -z "${TORN:-}" ] || { echo 'age: error: unexpected EOF' >&2; exit 1; }
    cat
    ;;
esac
"""


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """A server with an empty folder of backups."""
    stubs = tmp_path / "stubs"
    stubs.mkdir()
    (stubs / "age").write_text(AGE)
    (stubs / "age").chmod(0o755)
    monkeypatch.setenv("PATH", f"{stubs}:{os.environ['PATH']}")
    monkeypatch.setenv("STUBS", str(stubs))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    (tmp_path / "backups").mkdir()
    return Host(replace(SERVER, root=PurePosixPath(tmp_path), connection="local"), Context())


def folder(host: Host) -> Path:
    return Path(host.server.root / "backups")


def names(host: Host) -> list[str]:
    return sorted(path.name for path in folder(host).iterdir())


def left_over(host: Host) -> list[Path]:
    return list(Path(host.server.root).glob("wishwithme-*"))


def made(data: bytes = DATA) -> Backup:
    return replace(backup(1), bytes=len(data), sha256=hashlib.sha256(data).hexdigest())


def copy(data: bytes = DATA, recipient: str = "") -> Copy:
    return Copy(made(data), "object", len(data), "", recipient)


def read(host: Host, recipient: str = "") -> bytes:
    with copies.sent(host, made(), recipient) as stream:
        return stream.read()


@pytest.fixture
def standing(host: Host) -> Host:
    (folder(host) / made().name).write_bytes(DATA)
    return host


def test_a_backup_is_sent_as_it_is(standing: Host) -> None:
    assert read(standing) == DATA


def test_a_backup_is_encrypted_before_it_leaves(standing: Host) -> None:
    assert read(standing, "age1x") == b"age1x\n" + DATA


def test_one_that_was_changed_is_not_sent(standing: Host) -> None:
    (folder(standing) / made().name).write_bytes(DATA[:-1] + b"x")
    with pytest.raises(Trouble, match="was changed since it was written") as caught:
        read(standing)
    assert caught.value.code == FAILED


def test_one_that_is_gone_is_not_sent(host: Host) -> None:
    with pytest.raises(Trouble, match=r"db_20270001T000000Z\.dump\.zst is gone$"):
        read(host)


def test_nobody_sends_the_same_one_twice_at_once(standing: Host) -> None:
    # Larger than what pipes hold, so that the first is still at it.
    with copies.sent(standing, made(), "") as first:
        first.peek(1)
        with pytest.raises(Trouble, match="another one is copying it") as caught:
            read(standing)
    assert caught.value.code == REFUSED
    assert read(standing) == DATA


def test_a_copy_comes_back_with_its_manifest_for_its_owner_only(host: Host) -> None:
    copies.receive(host, copy(), "", [DATA[:1000], DATA[1000:]])
    name = made().name
    assert names(host) == [name, f"{name}.json"]
    assert (folder(host) / name).read_bytes() == DATA
    assert parse_manifest((folder(host) / f"{name}.json").read_text()) == made()
    assert {(folder(host) / one).stat().st_mode & 0o777 for one in names(host)} == {0o600}
    assert left_over(host) == []


def test_a_copy_takes_the_place_of_a_damaged_file(host: Host) -> None:
    (folder(host) / made().name).write_bytes(b"damaged")
    copies.receive(host, copy(), "", [DATA])
    assert (folder(host) / made().name).read_bytes() == DATA


def test_the_identity_opens_a_copy_and_is_neither_an_argument_nor_a_file(host: Host) -> None:
    private = "AGE-SECRET-KEY-age1x"
    copies.receive(host, copy(recipient="age1x"), private, [b"age1x\n", DATA])
    assert (folder(host) / made().name).read_bytes() == DATA
    root = Path(host.server.root)
    assert private not in (root / "stubs" / "arguments").read_text()
    assert not [
        path for path in root.rglob("*") if path.is_file() and private in path.read_text("latin-1")
    ]


def broken() -> Iterator[bytes]:
    yield DATA[:5000]
    raise Trouble("the network is cut")


def held(host: Host) -> subprocess.Popen[bytes]:
    script = 'exec 9<"$1"; flock 9; echo; read -r'
    words = ["bash", "-c", script, "hold", str(folder(host))]
    holder = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout
    holder.stdout.readline()
    return holder


def test_what_breaks_off_leaves_nothing(host: Host) -> None:
    with pytest.raises(Trouble, match=r"^the network is cut$"):
        copies.receive(host, copy(), "", broken())
    assert (names(host), left_over(host)) == ([], [])


def tried(host: Host, identity: str, *chunks: bytes) -> Trouble:
    """Receiving them fails and leaves nothing."""
    recipient = "age1x" if identity else ""
    with pytest.raises(Trouble) as caught:
        copies.receive(host, copy(recipient=recipient), identity, chunks)
    assert (names(host), left_over(host)) == ([], [])
    return caught.value


def test_something_else_is_not_taken(host: Host) -> None:
    trouble = tried(host, "", DATA[:-1], b"x")
    assert trouble.message == (
        "ubuntu: db_20270001T000000Z.dump.zst did not come back:"
        " what came is not what was written: its digest is another one"
    )
    assert trouble.code == FAILED


def test_another_identity_is_refused(host: Host) -> None:
    trouble = tried(host, "AGE-SECRET-KEY-age1y", b"age1x\n", *[DATA] * 20)
    assert trouble.message.endswith("the identity does not open it: another private key does")
    assert trouble.code == REFUSED


def test_a_torn_ciphertext_is_not_taken(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORN", "1")
    trouble = tried(host, "AGE-SECRET-KEY-age1x", b"age1x\n", DATA)
    assert trouble.message.endswith("age: error: unexpected EOF")
    assert trouble.code == FAILED


def test_a_backup_that_runs_is_not_disturbed(host: Host) -> None:
    holder = held(host)
    trouble = tried(host, "", *[DATA] * 20)
    holder.communicate()
    assert trouble.message.endswith("a backup, check or clean-up is running")
    assert trouble.code == REFUSED


def test_no_room_is_said_before_a_byte_is_written(host: Host) -> None:
    large = replace(copy(), backup=replace(made(), bytes=1 << 60))
    with pytest.raises(Trouble, match="MiB are free in ") as caught:
        copies.receive(host, large, "", [DATA])
    assert caught.value.code == REFUSED
    assert names(host) == []
