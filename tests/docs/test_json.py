"""docs/json.md: every field of every command's JSON, and none besides."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from fabfile.model.certificates.certificate import Sighting
from fabfile.model.data.backup import Shelf
from fabfile.model.data.offsite import Stock
from fabfile.model.data.retention import Keep, retain
from fabfile.model.data.volume import VolumeBackup
from fabfile.model.errors import refused
from fabfile.model.inventory import Inventory, Server
from fabfile.model.journal import Entry as Deed
from fabfile.model.probe import Verdict
from fabfile.model.schedule.jobs import Entry
from fabfile.model.watch.disks import Kept
from fabfile.model.watch.log_lines import LogLine
from fabfile.model.watch.meters import Process, Usage
from fabfile.model.watch.networks import Member
from fabfile.ops import gates
from fabfile.ops.data import backups, shelves
from fabfile.ops.data.offsite import Places
from fabfile.ops.neighbours import Neighbours
from fabfile.ops.schedule import jobs
from fabfile.ops.session import Session
from fabfile.ops.sight import Sight
from fabfile.ops.watch import doctor, examining, history, inspection
from fabfile.ops.watch.status import view
from fabfile.remote.access.connect import Ask
from fabfile.remote.deploy.git import Between
from fabfile.remote.host import Host
from fabfile.ui.console import Console
from tests.unit import builders
from tests.unit.backups import backup
from tests.workflows import samples

from .tables import first_column, tables


def sight() -> Sight:
    """A look at the small stack, of which one service has no container."""
    seen = builders.facts(commit=builders.commit(), containers=builders.facts().containers[1:])
    host = Host(builders.SERVER, None)
    return Sight(host, seen, {}, builders.target())


def documented(heading: str) -> set[str]:
    names = first_column("json.md", heading)
    assert len(names) == len(set(names))
    return set(names)


@pytest.fixture
def printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Any]:
    """Call a use case with a look that was taken before; returns the JSON that it printed."""
    host = Host(builders.SERVER, None)
    inventory = Inventory(builders.SERVER.key, (builders.SERVER,))
    verdicts = [Verdict("probe:api-1", True, "200 deep", 0.1)]
    monkeypatch.setattr(history, "look", lambda host: builders.facts())
    made = Deed(builders.facts().releases[0].started, "somebody", "env.set", ("KEY",))
    monkeypatch.setattr("fabfile.remote.journal.read", lambda host: [made])
    monkeypatch.setattr(inspection, "look_at", lambda *_: sight())
    monkeypatch.setattr(inspection, "look_around", lambda *_: Neighbours())
    monkeypatch.setattr(gates, "ask_all", lambda *_: verdicts)

    def call(use_case: Callable[..., None], *values: Any) -> Any:
        session = Session(inventory, Console(as_json=True), lambda server, ask: host)
        use_case(session, *values, as_json=True)
        return json.loads(capsys.readouterr().out)

    return call


def test_the_fields_of_a_plan() -> None:
    plan = samples.PLAN.to_json()
    assert documented("plan") == set(plan)
    assert documented("plan: steps") == set(plan["steps"][0])


def test_the_fields_of_a_release() -> None:
    assert documented("deploy") == set(samples.views()[0])


def test_the_fields_of_the_history(printed: Callable[..., Any]) -> None:
    (release,) = printed(history.history, ["ubuntu"], history.Options())
    assert documented("deploy") | documented("history") == set(release)
    assert documented("history: env") == set(release["env"][0])


def test_the_fields_of_all_that_was_changed(printed: Callable[..., Any]) -> None:
    release, entry = printed(history.history, ["ubuntu"], history.Options(all=True))
    assert documented("history --all") == set(release) == set(entry)


def test_the_fields_of_two_releases_compared(
    printed: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    between = Between([("2" * 40, "Second")], [])
    monkeypatch.setattr("fabfile.remote.deploy.git.between", lambda *_: between)
    found = printed(history.history, ["ubuntu"], history.Options(diff=("last", "last")))
    assert documented("history --diff") == set(found)
    assert documented("history --diff: commits") == set(found["commits"][0])


def test_the_fields_of_a_record(printed: Callable[..., Any]) -> None:
    record = printed(history.history, ["ubuntu"], history.Options(show="r1"))
    assert documented("history --show") == set(record)
    assert "env" not in record
    assert documented("history --show: steps, gates") == set(samples.record()["gates"][0])


def test_the_fields_of_the_status() -> None:
    found = view(sight(), None)
    assert documented("status") == set(found)
    assert set(found["release"]) == documented("deploy")
    absent, *there = found["services"]
    assert absent["state"] == "absent"
    for service in there:
        assert set(service) == documented("status: services")
    assert set(found["disk"][0]) == {"mount", "free_bytes", "total_bytes"}
    assert set(found["wanted"]) == {"commit", "subject"}


def test_the_fields_of_a_job() -> None:
    job = Entry("db.backup", "0 3 * * *")
    (found,) = jobs.view(builders.SERVER, builders.facts(jobs=(job,)))
    assert documented("cron.list") == set(found)


def test_the_fields_of_the_health(printed: Callable[..., Any]) -> None:
    (gate,) = printed(inspection.health, "ubuntu")
    assert documented("health") == set(gate)


def test_the_fields_of_the_doctor() -> None:
    def away(_server: Server, _ask: Ask) -> Host:
        raise refused("nobody answers")

    session = Session(Inventory(builders.SERVER.key, (builders.SERVER,)), Console(), away)
    checks = examining.examine(session, builders.SERVER.name)
    found = doctor.view(checks)
    assert documented("doctor") == set(found)
    assert documented("doctor: checks") == set(found["checks"][0])


def test_the_fields_of_the_certificates() -> None:
    assert documented("ssl.status") == set(Sighting("", "", {}).view((), 0))


def test_the_fields_of_a_backup() -> None:
    made = backups.view(backup(1))
    assert documented("db.backup, db.verify") == set(made)
    shelf = Shelf(0, 0, (backup(1),))
    places = Places(shelf, Stock(), retain(shelf.backups, Keep()))
    listed = shelves.listed(backup(1), places, None)
    assert documented("db.list") == set(listed) - set(made)


def test_the_fields_of_a_backup_of_a_volume() -> None:
    assert documented("volume.backup") == {field.name for field in dataclasses.fields(VolumeBackup)}


def test_the_fields_of_a_line_of_a_log() -> None:
    assert documented("logs") == set(LogLine("", "", "", "").view())


def test_the_fields_of_measurements() -> None:
    for heading, kind in (("stats", Usage), ("top", Process), ("disk", Kept), ("network", Member)):
        assert documented(heading) == {field.name for field in dataclasses.fields(kind)}


def test_no_table_is_left_unread() -> None:
    read = {"plan", "plan: steps", "deploy", "history --show", "history --show: steps, gates"}
    read |= {
        "status",
        "status: services",
        "doctor",
        "doctor: checks",
        "health",
        "db.backup, db.verify",
        "db.list",
        "cron.list",
        "volume.backup",
        "ssl.status",
        "logs",
        "stats",
        "top",
        "disk",
        "network",
    }
    read |= {"history", "history: env", "history --all"}
    read |= {"history --diff", "history --diff: commits"}
    read |= {"env.check", "env.diff", "env.diff: keys", "env.explain"}  # tests/tasks
    assert set(tables("json.md")) == read
