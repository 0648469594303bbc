"""The journal of a server, by a real shell on folders of this machine."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from invoke import Context

from fabfile.model.access.secrecy import masked
from fabfile.model.errors import Trouble
from fabfile.model.journal import LONGEST, WORDS, Entry, cut, entries, short
from fabfile.remote import journal
from fabfile.remote.host import Host

from .builders import SERVER

ENTRY = Entry(
    0, "ann@laptop", "db.restore", (), ("--from", 'a "b" c'), "by hand", 1, 2.5, "no", "é"
)
FORMER = '{"at": 5, "keys": ["SALT"], "task": "env.set", "who": "bob@desk"}'


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A server to which something was deployed."""
    (tmp_path / "root/releases").mkdir(parents=True)
    return Host(replace(SERVER, root=PurePosixPath(tmp_path / "root")), Context())


def file(host: Host, name: str = "journal") -> Path:
    return Path(host.server.root) / "releases" / name


def test_an_entry_is_kept_with_the_instant_at_which_the_task_began(host: Host) -> None:
    before = os.umask(0)
    try:
        journal.write(host, ENTRY)
    finally:
        os.umask(before)
    (found,) = journal.read(host)
    assert time.time() - 8 < found.at <= time.time() - 2
    assert replace(found, at=0) == ENTRY
    assert file(host).stat().st_mode & 0o777 == 0o600
    assert file(host).read_text().count("\n") == 1


def test_entries_are_read_in_the_order_of_time_those_of_former_versions_too(host: Host) -> None:
    journal.write(host, ENTRY)
    file(host, "env.log").write_text(f"{FORMER}\n")
    file(host, "journal.1").write_text(f"{FORMER.replace('5', '4')}\n")
    found = journal.read(host)
    assert [(one.task, one.at) for one in found[:2]] == [("env.set", 4), ("env.set", 5)]
    assert found[1] == Entry(5, "bob@desk", "env.set", ("SALT",))
    assert found[2].task == "db.restore"


@pytest.mark.parametrize("torn", ['{"at": 1, "who', "\0\0\0", '{"at": 1}'])
def test_half_a_line_loses_neither_what_was_before_nor_what_comes(host: Host, torn: str) -> None:
    journal.write(host, ENTRY)
    with file(host).open("a") as to:
        to.write(torn)
    assert [one.task for one in journal.read(host)] == ["db.restore"]
    journal.write(host, replace(ENTRY, task="freeze"))
    assert [one.task for one in journal.read(host)] == ["db.restore", "freeze"]


def test_half_an_entry_is_not_written(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Entry, "to_json", lambda _entry: "")
    script = journal.SCRIPT
    ended = subprocess.run(
        ["bash", "-c", script, "journal", file(host).parent, "0", "9"],
        input=b'{"who": "x"',
        check=False,
    )
    assert (ended.returncode, file(host).exists()) == (70, False)


def test_a_file_that_is_large_is_put_aside_and_the_one_before_goes(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "LARGEST", 300)
    for number in range(9):
        journal.write(host, replace(ENTRY, task=str(number)))
    assert [one.task for one in journal.read(host)] == ["6", "7", "8"]
    assert file(host, "journal.1").stat().st_size < 300 + 300
    assert sorted(path.name for path in file(host).parent.iterdir()) == ["journal", "journal.1"]


def test_several_at_once_lose_none(host: Host) -> None:
    words = ["bash", "-c", journal.SCRIPT, "journal", str(file(host).parent), "0", "99999"]
    line = f"{ENTRY.to_json()}\n".encode()
    running = [subprocess.Popen(words, stdin=subprocess.PIPE) for _ in range(10)]
    for one in running:
        one.communicate(line)
    assert len(journal.read(host)) == 10


def test_where_nothing_was_set_up_there_is_none(host: Host) -> None:
    bare = Host(replace(host.server, root=host.server.root / "new"), Context())
    journal.write(bare, ENTRY)
    assert (journal.read(bare), Path(bare.server.root).exists()) == ([], False)


def test_where_bootstrap_made_the_root_it_begins(host: Host) -> None:
    file(host).parent.rmdir()
    journal.write(host, ENTRY)
    assert len(journal.read(host)) == 1
    assert file(host).parent.stat().st_mode & 0o777 == 0o700


def test_one_that_cannot_be_written_is_a_trouble(host: Host) -> None:
    file(host).mkdir()
    with pytest.raises(Trouble, match=r"^ubuntu: 'journal .*' failed with exit code 1$"):
        journal.write(host, ENTRY)


def test_what_is_no_entry_is_left_out() -> None:
    text = f'{{"at": -1, "who": "a", "task": "t"}}\n[]\n{{"at": 1, "at": 2}}\n{FORMER}'
    assert [one.who for one in entries(text)] == ["bob@desk"]


def test_what_an_entry_holds_is_bounded() -> None:
    assert short("a\n b\tc") == "a b c"
    assert len(short("x" * 5000)) == LONGEST + 1
    assert len(cut(["x"] * 500)) == WORDS + 1
    assert cut(["a", "b"]) == ("a", "b")
    longest = Entry(0, "w", "t", (), cut(["é" * 5000] * 500), error=short("é" * 5000))
    assert len(longest.to_json()) < 6 * LONGEST * (WORDS + 2)
    assert json.loads(longest.to_json())["task"] == "t"


def test_the_commit_of_the_collection_is_known() -> None:
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=Path(journal.__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    assert journal.collection() == head


def test_an_installed_collection_tells_no_commit_of_the_repository_round_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "__file__", str(tmp_path / "fabfile/remote/journal.py"))
    (tmp_path / "fabfile").mkdir()
    assert journal.collection.__wrapped__() == ""


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["PGPASSWORD=hunter2 psql"], ["PGPASSWORD=[hidden] psql"]),
        (["JWT_SECRET_KEY='a b' c"], ["JWT_SECRET_KEY=[hidden] c"]),
        (["mysql --password hunter2 -e q"], ["mysql --password [hidden] -e q"]),
        (["psql", "--password", "x", "y"], ["psql", "--password", "[hidden]", "y"]),
        (["--api-token=x"], ["--api-token=[hidden]"]),
        (
            ["curl -H 'Authorization: Bearer abc.def' u"],
            ["curl -H 'Authorization: Bearer [hidden]' u"],
        ),
        (["postgres://u:pw@h/db"], ["postgres://u:[hidden]@h/db"]),
        (["ALTER ROLE a PASSWORD 'x y'"], ["ALTER ROLE a PASSWORD [hidden]"]),
        (['{"api_token": "x"}'], ['{"api_token": [hidden]}']),
        (["SALT", "--server", "ubuntu"], ["SALT", "--server", "ubuntu"]),
        (
            ["monkey=1", "ls -l keys", "echo passed: 3"],
            ["monkey=1", "ls -l keys", "echo passed: 3"],
        ),
    ],
)
def test_what_looks_like_a_secret_is_not_told(words: list[str], shown: list[str]) -> None:
    assert list(masked(words)) == shown
