"""Which troubles are news, by a real shell on folders of this machine; what people read of them."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from invoke import Context

from fabfile.model.access.secrecy import secret_values
from fabfile.model.telling import LINES, Message, Outcome, findings
from fabfile.remote import notifying
from fabfile.remote.host import Host
from fabfile.remote.notifying import News, kind_of, settle

from .builders import SERVER

OUTCOME = Outcome("deploy", ("ubuntu", "montreal"), "ann@laptop", "by hand", 41.6)
NONE = News((), ())


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A server to which something was deployed."""
    (tmp_path / "root/releases").mkdir(parents=True)
    return Host(replace(SERVER, root=PurePosixPath(tmp_path / "root")), Context())


def told(host: Host) -> Path:
    return Path(host.server.root) / "releases" / "told"


def test_a_trouble_is_news_once_and_its_end_once(host: Host) -> None:
    assert settle(host, "doctor", ["disk", "clock"]) == News(("clock", "disk"), ())
    assert settle(host, "doctor", ["disk", "clock"]) == NONE
    assert settle(host, "doctor", ["disk", "link"]) == News(("link",), ("clock",))
    assert settle(host, "doctor", []) == News((), ("disk", "link"))
    assert settle(host, "doctor", []) == NONE
    assert (told(host).read_text(), told(host).stat().st_mode & 0o777) == ("", 0o600)


def test_families_of_troubles_know_nothing_of_each_other(host: Host) -> None:
    for family in ("db.backup", "db-backup", "db"):
        assert settle(host, family, ["fails"]) == News(("fails",), ())
    assert settle(host, "db", []) == News((), ("fails",))
    assert settle(host, "db.backup", ["fails"]) == NONE
    assert told(host).read_text() == "db.backup fails\ndb-backup fails\n"


def test_of_several_at_once_one_has_the_news(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "awk"
    slow.write_text(f'#!/bin/sh\nsleep 0.2\nexec {shutil.which("awk")} "$@"\n')
    slow.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    words = ["bash", "-c", notifying.SCRIPT, "told", str(told(host).parent), "doctor"]
    running = [
        subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(3)
    ]
    for one in running:
        assert one.stdin
        one.stdin.write(b"disk\n")
        one.stdin.close()
    said = sorted(one.stdout.read() for one in running if one.stdout)
    assert [one.wait() for one in running] == [0, 0, 0]
    assert said == [b"", b"", b"new disk\n"]


def test_where_nothing_was_set_up_all_is_news(host: Host) -> None:
    bare = Host(replace(host.server, root=host.server.root / "new"), Context())
    for _ in range(2):
        assert settle(bare, "doctor", ["disk"]) == News(("disk",), ())
    assert not Path(bare.server.root).exists()


def test_an_outcome_reads_as_title_and_lines() -> None:
    assert OUTCOME.message == Message(
        "ubuntu, montreal: deploy done", ("by ann@laptop, by hand, 42 s",)
    )
    assert replace(OUTCOME, is_over=True).message.title == "ubuntu, montreal: deploy is well again"
    evidence = tuple(f"line {number}" for number in range(30))
    failed = replace(OUTCOME, code=1, error="red\ngates", evidence=evidence).message
    assert failed.title == "ubuntu, montreal: deploy failed"
    assert failed.is_trouble
    assert failed.lines[1] == "error: red gates"
    assert failed.lines[2:] == tuple(f"  line {number}" for number in range(30 - LINES, 30))
    person = replace(OUTCOME, code=3, error="x").message
    assert person.title == "ubuntu, montreal: deploy FAILED, a person is needed"


def test_findings_read_as_what_is_new_and_what_is_over() -> None:
    assert findings("ubuntu", ["fail disk: full", "warn key: old"], ["clock"]) == Message(
        "ubuntu: doctor: 2 new findings, 1 over",
        ("fail disk: full", "warn key: old", "over: clock"),
        is_trouble=True,
    )
    assert findings("ubuntu", [], ["clock"]).is_trouble is False


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "slack://"),
        ("t0ken", "no address"),
        ("t0ken:with/x://y", "no address"),
        (f"{'x' * 99}://", f"{'x' * 20}://"),
    ],
)
def test_of_an_address_only_the_service_is_shown(url: str, shown: str) -> None:
    assert kind_of(url) == shown


def test_addresses_are_secrets_whatever_an_example_says() -> None:
    found = secret_values("NOTIFY_URLS='json://a/b slack://c/d'\nMODE=plain\n", "NOTIFY_URLS=\n")
    assert {"json://a/b", "slack://c/d", "json://a/b slack://c/d"} <= {*found}
    assert "plain" not in found
